"""Keys that programs like to get wrong move and come back byte for byte, with their properties, on every kind of store."""
import json

import localclient
import support

KEYS = json.loads((support.ROOT / "tests/data/awkward-keys.json").read_text(encoding="utf-8"))["keys"]


def body_of(index):
    return "" if KEYS[index].endswith("/") else str(index)


class Awkward:
    """Mixed into a test case that says on which store."""

    def plant(self, store, prefix="in/"):
        for index, key in enumerate(KEYS):
            store.put("awkward", prefix + key, body_of(index), content_type="application/x-awkward", x_amz_meta_owner=f"o{index}")

    def wanted(self, prefix):
        return {prefix + key: (body_of(index).encode(), {"content-type": "application/x-awkward", "x-amz-meta-owner": f"o{index}"})
                for index, key in enumerate(KEYS)}

    def test_every_key_moves_and_comes_back(self):
        store = self.open_store()
        self.plant(store)
        self.assertEqual(store.objects("awkward"), self.wanted("in/"), "the store itself holds every key")

        result = self.ok("mv", self.url("in/"), self.url("out/"), "--json").lines()[-1]
        self.assertEqual(result["balance"], {"listed": len(KEYS), "done": len(KEYS), "skipped": 0, "failed": 0, "left": 0})
        self.assertEqual(store.objects("awkward"), self.wanted("out/"))
        self.ok("verify", "last", "--deep")

        self.ok("undo", "last")
        self.assertEqual(store.objects("awkward"), self.wanted("in/"))

    def url(self, prefix):
        return "s3://awkward/" + prefix


class OnTheModelServer(Awkward, support.DrayTest):
    def open_store(self):
        s3 = self.model("--bucket", "awkward")
        return s3


class OnRadosgw(Awkward, support.DrayTest):
    def open_store(self):
        return self.part_bucket("radosgw", "awkward", "-p", "18480")


class InALocalDirectory(Awkward, support.DrayTest):
    def open_store(self):
        self.directory = self.home / "bucket"
        self.directory.mkdir()
        return localclient.LocalBucket(self.directory)

    def url(self, prefix):
        return f"{self.directory}/{prefix}"


class OnSeaweedFS(support.DrayTest):
    """A store that answers `a//b` with `a/b`, keeps keys that no listing shows, and loses the bodies of markers."""

    def open_store(self):
        return self.part_bucket("seaweedfs", "awkward", "-p", "18333")

    def plant(self, s3):
        """Plants what the store takes; the keys that it then holds under exactly that name."""
        for index, key in enumerate(KEYS):
            try:
                s3.put("awkward", "in/" + key, body_of(index), content_type="application/x-awkward", x_amz_meta_owner=f"o{index}")
            except support.s3client.S3Error as refusal:
                self.assertEqual(refusal.status, 400, key)
        return s3.objects("awkward", "in/")

    def test_what_it_can_hold_moves_and_comes_back_and_the_rest_is_named(self):
        s3 = self.open_store()
        before = self.plant(s3)
        bodies = sorted(body for body, _ in before.values())
        self.assertGreater(len(before), 30)

        moved = self.dray("mv", "s3://awkward/in/", "s3://awkward/out/", "--json")
        self.assertIn(moved.code, (0, 1), moved)
        balance = moved.lines()[-1]["balance"]
        self.assertEqual((balance["listed"], balance["left"]), (len(before), 0))
        after = s3.objects("awkward")
        self.assertEqual(sorted(body for body, _ in after.values()), bodies, "every object is still there, once")
        stayed = {key for key in after if key.startswith("in/")}
        failures = [line["key"] for line in self.dray("report", "last", "--json").lines() if "failed" in line and "key" in line]
        self.assertEqual(stayed, set(failures), "what stayed is named")
        self.assertEqual({key: value for key, value in after.items() if key not in stayed},
                         {"out/" + key[3:]: value for key, value in before.items() if key not in stayed})

        # Keys that are directories too (both, dir/) among them, in whatever order the workers come to them.
        self.dray("undo", "last")
        self.assertEqual(s3.objects("awkward"), before)

    def test_a_move_onto_another_name_of_the_same_object_is_refused(self):
        s3 = self.open_store()
        s3.put("awkward", "in/y.csv", "the only copy")
        self.refused(3, "in//y.csv", "mv", "s3://awkward/in//y.csv", "s3://awkward/in/y.csv")
        self.assertEqual(s3.get("awkward", "in/y.csv")[1], b"the only copy")
