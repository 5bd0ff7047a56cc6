"""TLS to a real server (SeaweedFS): a move over it, and certificates that must be refused."""
import certificates
import support


class Tls(support.DrayTest):
    def setUp(self):
        super().setUp()
        if "seaweedfs" in support.SKIPPED:
            self.skipTest("DRAY_SKIP_PARTS names seaweedfs")
        self.authority = certificates.Authority(self.home / "ca")

    def serve(self, *life):
        certificate, key = self.authority.certify(*life)
        self.server = support.PartServer("seaweedfs", "-p", "18343", "-c", certificate, "-k", key)
        self.addCleanup(self.server.stop)
        self.assertTrue(self.server.endpoint.startswith("https://"))

    def trust(self, pem):
        self.extra_environment["AWS_CA_BUNDLE"] = str(pem)

    def refused_at_the_door(self, words, *arguments):
        """Exit 6 and one line that says why; nothing is planned."""
        outcome = self.refused(6, words, "mv", "s3://cdr/in/", "s3://cdr/out/", *arguments)
        self.assertEqual(len(outcome.err.splitlines()), 1, outcome)
        self.assertEqual(self.ok("runs").out, "no runs\n")

    def test_a_run_lives_over_tls_and_H43_an_unknown_authority_is_refused(self):
        self.serve()
        s3 = self.s3(ca=self.authority.pem)
        s3.make_bucket("cdr")
        for i in range(20):
            s3.put("cdr", f"in/f{i:02}", f"record {i}", x_amz_meta_owner=f"o{i}")
        before = s3.objects("cdr")
        support.next_second()

        self.refused_at_the_door("certificate")
        self.trust(certificates.Authority(self.home / "other", "another CA").pem)
        self.refused_at_the_door("certificate")
        self.assertEqual(s3.objects("cdr"), before)

        self.trust(self.authority.pem)
        self.ok("mv", "s3://cdr/in/", "s3://cdr/out/")
        self.assertEqual(s3.objects("cdr"), {key.replace("in/", "out/"): value for key, value in before.items()})
        self.ok("verify", "last", "--deep")
        self.ok("undo", "last")
        self.assertEqual(s3.objects("cdr"), before)

    def test_H43_an_expired_certificate_is_refused(self):
        self.serve(certificates.LONG_PAST, certificates.PAST)
        self.trust(self.authority.pem)
        self.refused_at_the_door("expired")

    def test_H43_another_host_s_certificate_is_refused(self):
        self.serve()
        self.trust(self.authority.pem)
        self.server.endpoint = self.server.endpoint.replace("127.0.0.1", "localhost")
        self.refused_at_the_door("localhost")
