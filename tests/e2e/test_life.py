"""A person moves dated files into dated folders, proves it, and takes it back: on every kind of store."""
import support

NAMES = [f"CHARGINGCDR_4008-BRCCNH-01-202212{day:02}-{hour:02}0511-78.ccn" for day in range(1, 29) for hour in range(0, 24, 5)]
RULE = ["--match", r"-(\d{8})-\d{6}-", "--date-format", "%Y%m%d", "--to", "{date:%Y/%m/%d}/{basename}"]


def target_of(name):
    day = name.split("-")[3]
    return f"by-day/{day[:4]}/{day[4:6]}/{day[6:]}/{name}"


class Life:
    """The same story on each store; mixed into a test case that says which."""

    def plant(self, s3):
        for i, name in enumerate(NAMES):
            s3.put("cdr", "in/" + name, f"record {i}", x_amz_meta_owner=f"o{i}", content_type="application/x-cdr")

    def test_moves_proves_and_takes_back(self):
        s3 = self.open_store()
        s3.make_bucket("cdr") if "cdr" not in getattr(self, "buckets", ()) else None
        s3.empty("cdr")
        self.plant(s3)
        before = s3.objects("cdr")
        self.assertEqual(len(before), len(NAMES))

        dry = self.ok("mv", "s3://cdr/in/", "s3://cdr/by-day/", *RULE, "--dry-run")
        self.assertIn(f"{len(NAMES)} of {len(NAMES)} objects would be moved", dry.out)
        self.assertEqual(s3.objects("cdr"), before, "a dry run changes nothing")

        self.ok("mv", "s3://cdr/in/", "s3://cdr/by-day/", *RULE)
        self.assertEqual(s3.objects("cdr"), {target_of(key[3:]): value for key, value in before.items()})
        self.ok("verify", "last")
        deep = self.ok("verify", "last", "--deep", "--json").lines()[0]
        self.assertEqual((deep["checked"], deep["good"], deep["bad"]), (len(NAMES), len(NAMES), 0))

        self.ok("undo", "last")
        self.assertEqual(s3.objects("cdr"), before)


class OnTheModelServer(Life, support.DrayTest):
    def open_store(self):
        return self.model()


class OnAModelThatIgnoresConditions(Life, support.DrayTest):
    def open_store(self):
        return self.model("--quirks", "radosgw")


class OnAModelWithSingleConditionalDeletes(Life, support.DrayTest):
    def open_store(self):
        return self.model("--quirks", "versitygw")


class OnSeaweedFS(Life, support.DrayTest):
    def open_store(self):
        return self.part("seaweedfs", "-p", "18333")


class OnRadosgw(Life, support.DrayTest):
    def open_store(self):
        return self.part("radosgw", "-p", "18480")
