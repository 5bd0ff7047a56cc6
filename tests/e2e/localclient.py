"""A local directory as a bucket, read and written by the words of docs/local-store.md alone: dray's work is not judged by dray's code."""
import json
import os
import shutil


def spelled(element):
    """The file names of one element of a key: docs/adr/0002-local-keys.md."""
    plain = 0 < len(element) <= 255 and element not in (b".", b"..") and not element.lower().startswith(b".dray")
    if plain:
        return [element]
    escaped, names, chunk = [b"%25" if byte == 0x25 else bytes([byte]) for byte in element], [], b""
    for piece in escaped:
        if len(chunk) + len(piece) > 200:
            names.append(b".dray+" + chunk)
            chunk = b""
        chunk += piece
    return [*names, b".dray=" + chunk]


class LocalBucket:
    def __init__(self, directory):
        self.directory = os.fsencode(directory)

    def path(self, key):
        names = [name for element in key.encode().split(b"/") for name in spelled(element)]
        path = os.path.join(self.directory, *names)
        return os.path.join(path, b".dray@") if os.path.isdir(path) else path

    def put(self, _bucket, key, body, content_type=None, **metadata):
        path = self.path(key)
        self.make_room(os.path.dirname(path))
        with open(path, "wb") as file:
            file.write(body.encode() if isinstance(body, str) else body)
        status = os.stat(path)
        record = {"format": "dray-object", "version": 1, "size": status.st_size, "modified_ns": status.st_mtime_ns,
                  "content_type": content_type,
                  "metadata": [{"name": name.removeprefix("x_amz_meta_"), "value": value} for name, value in metadata.items()]}
        side = b".dray-record-%x-%x" % (status.st_ino, status.st_mtime_ns)
        directory = os.path.dirname(path) if not path.endswith(b"/.dray@") else os.path.dirname(os.path.dirname(path))
        with open(os.path.join(directory, side), "w", encoding="utf-8") as file:
            json.dump(record, file)

    def make_room(self, directory):
        """Directories, also where an object has the name of one already: its body then moves inside."""
        if os.path.isdir(directory):
            return
        if os.path.isfile(directory):
            os.rename(directory, directory + b".aside")
            os.mkdir(directory)
            os.rename(directory + b".aside", os.path.join(directory, b".dray@"))
            return
        self.make_room(os.path.dirname(directory))
        os.mkdir(directory)

    def record(self, directory, path):
        try:
            return json.loads(os.getxattr(path, "user.dray.object"))
        except OSError:
            pass
        status = os.stat(path)
        try:
            with open(os.path.join(directory, b".dray-record-%x-%x" % (status.st_ino, status.st_mtime_ns)), encoding="utf-8") as file:
                return json.load(file)
        except FileNotFoundError:
            return {}

    def objects(self, _bucket=None, prefix=""):
        """key -> (bytes, properties), in the form of s3client's"""
        found = {}
        self.walk(self.directory, [], b"", found)
        return {key: value for key, value in found.items() if key.startswith(prefix)}

    def walk(self, directory, elements, begun, found):
        for name in os.listdir(directory):
            path = os.path.join(directory, name)
            if name.startswith(b".dray-"):
                continue
            if name == b".dray@":
                self.take(os.path.dirname(directory), path, elements, found)
            elif name.startswith(b".dray+"):
                self.walk(path, elements, begun + name[6:], found)
            else:
                element = (begun + name[6:]).replace(b"%00", b"\0").replace(b"%25", b"%") if name.startswith(b".dray=") else name
                if os.path.isdir(path):
                    self.walk(path, [*elements, element], b"", found)
                else:
                    self.take(directory, path, [*elements, element], found)

    def take(self, directory, path, elements, found):
        record = self.record(directory, path)
        properties = {"x-amz-meta-" + pair["name"]: pair["value"] for pair in record.get("metadata", [])}
        if "content_type" in record:
            properties["content-type"] = record["content_type"]
        with open(path, "rb") as file:
            found[b"/".join(elements).decode("utf-8", "surrogateescape")] = (file.read(), properties)

    def empty(self, _bucket=None):
        for name in os.listdir(self.directory):
            path = os.path.join(self.directory, name)
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
