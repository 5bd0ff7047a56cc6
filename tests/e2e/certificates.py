"""An authority and a server's certificate, made anew in a directory by openssl."""
import subprocess

LONG_PAST, PAST, FUTURE = "20200101000000Z", "20210101000000Z", "20490101000000Z"


def openssl(directory, *arguments):
    subprocess.run(["openssl", *map(str, arguments)], cwd=directory, check=True, capture_output=True)


class Authority:
    def __init__(self, directory, name="test CA"):
        self.directory, self.pem, self.key = directory, directory / "ca.pem", directory / "ca.key"
        directory.mkdir(exist_ok=True)
        openssl(directory, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self.key, "-out", self.pem, "-subj", f"/CN={name}", "-days", "2")
        (directory / "index.txt").touch()
        (directory / "serial").write_text("01\n")
        (directory / "ca.cnf").write_text("[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\n"
                                          "policy=p\ncopy_extensions=copy\n[p]\ncommonName=supplied\n")

    def certify(self, begins=LONG_PAST, ends=FUTURE):
        """A server on 127.0.0.1: (certificate, key)."""
        openssl(self.directory, "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "s.key", "-out", "s.csr", "-subj", "/CN=127.0.0.1",
                "-addext", "subjectAltName=IP:127.0.0.1")
        openssl(self.directory, "ca", "-batch", "-config", "ca.cnf", "-cert", self.pem, "-keyfile", self.key, "-in", "s.csr", "-out", "s.pem",
                "-notext", "-startdate", begins, "-enddate", ends)
        return self.directory / "s.pem", self.directory / "s.key"
