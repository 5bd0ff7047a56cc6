// How much memory a plan takes: measured in a child process, for the peak of a process never goes down.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/temp_directory.h"
#include "ops/planner.h"

namespace dray {
namespace {

constexpr std::uint64_t kObjects = 1'000'000;
constexpr long kCap = 120L << 10;  // KiB

// A store with kObjects objects below in/ and nothing else, made up page by page.
class MadeUpStore : public ObjectStore {
public:
    std::string identity() const override { return "made-up:"; }
    const Limits& limits() const override { return limits_; }
    Capabilities capabilities() const override { return {}; }

    Result<ListPage> list(const Context&, const ListRequest& request) override {
        ListPage page;
        if (request.prefix != "in/") return page;
        const std::uint64_t first = request.continuation.empty() ? 0 : std::stoull(request.continuation);
        const std::uint64_t end = std::min(first + request.max_keys, kObjects);
        for (std::uint64_t i = first; i < end; ++i) {
            char key[64];
            std::snprintf(key, sizeof key, "in/region-%02d/records_20240309_%09d.csv.gz", int(i * 100 / kObjects),
                          int(i));
            page.objects.push_back({.key = key,
                                    .size = i,
                                    .etag = "0123456789abcdef0123456789abcdef",
                                    .modified = WallTime(std::chrono::seconds(1'709'957'106))});
        }
        page.truncated = end < kObjects;
        if (page.truncated) page.next = std::to_string(end);
        return page;
    }

    Result<ObjectInfo> head(const Context&, const ObjectRef&) override { return none(); }
    Result<ObjectInfo> get(const Context&, const ObjectRef&, const GetOptions&, const ByteSink&) override {
        return none();
    }
    using ObjectStore::put;
    Result<ObjectInfo> put(const Context&, const ObjectRef&, ByteSource&, const PutOptions&) override { return none(); }
    Result<ObjectInfo> copy(const Context&, const ObjectRef&, const ObjectRef&, const CopyOptions&) override {
        return none();
    }
    Result<Removed> remove(const Context&, const ObjectRef&, const RemoveOptions&) override { return none(); }
    Result<std::vector<RemoveVerdict>> remove_many(const Context&, const std::string&,
                                                   std::span<const RemoveItem>) override {
        return none();
    }
    Result<std::vector<NameValue>> tags(const Context&, const ObjectRef&) override { return none(); }
    Status set_tags(const Context&, const ObjectRef&, const std::vector<NameValue>&) override { return none(); }
    Result<Upload> create_upload(const Context&, const ObjectRef&, const PutOptions&) override { return none(); }
    Result<Part> upload_part(const Context&, const Upload&, std::uint32_t, ByteSource&) override { return none(); }
    Result<Part> copy_part(const Context&, const Upload&, std::uint32_t, const PartCopy&) override { return none(); }
    Result<ObjectInfo> complete_upload(const Context&, const Upload&, std::span<const Part>,
                                       const CompleteOptions&) override {
        return none();
    }
    Status abort_upload(const Context&, const Upload&) override { return none(); }
    Result<std::vector<Part>> parts(const Context&, const Upload&) override { return none(); }
    Result<std::vector<Upload>> uploads(const Context&, const std::string&, const std::string&) override {
        return none();
    }
    Result<BucketFacts> bucket_facts(const Context&, const std::string&) override { return none(); }

private:
    static Error none() { return {.code = Code::unsupported, .message = "a planner only lists here"}; }
    Limits limits_;
};

// 0: planned all.
int plan_all(const TempDirectory& directory) {
    MadeUpStore store;
    RelayoutOptions options{.match = R"((\d{8})_)",
                            .to = "out/{date:%Y/%m/%d}/{basename}",
                            .date_format = "%Y%m%d",
                            .source_bucket = "bkt",
                            .source_prefix = "in/",
                            .target_bucket = "bkt"};
    const auto rule = Relayout::compile(std::move(options));
    if (!rule) return 1;
    const MovePlanRequest request{.stores = {&store},
                                  .source_bucket = "bkt",
                                  .source_prefix = "in/",
                                  .rule = &*rule,
                                  .plan_path = directory.file("plan"),
                                  .scratch = directory.file("scratch")};
    if (!make_move_plan({}, request)) return 2;
    const auto plan = PlanReader::open(request.plan_path);
    return plan && plan->totals().effects == kObjects ? 0 : 3;
}

TEST(PlannerMemory, L15_AMillionObjectsFitInto120MB) {
    const TempDirectory directory;
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) ::_exit(plan_all(directory));
    int status = 0;
    rusage usage{};
    ASSERT_EQ(::wait4(child, &status, 0, &usage), child);
    EXPECT_EQ(status, 0);
    EXPECT_LT(usage.ru_maxrss, kCap) << "KiB";
    RecordProperty("peak_kib", static_cast<int>(usage.ru_maxrss));
}

}  // namespace
}  // namespace dray
