#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "base/checksum.h"
#include "base/file.h"
#include "codec/zstd.h"
#include "job/plan_file.h"

namespace dray {
namespace {

constexpr std::size_t kLinesBuffered = std::size_t{64} << 10;   // bytes of lines before they are compressed
constexpr std::size_t kBytesBuffered = std::size_t{256} << 10;  // compressed bytes before they are written

}  // namespace

struct PlanWriter::Impl {
    std::string path, part;  // part: where it is written until it is sealed
    AppendFile file;
    ZstdEncoder encoder;
    Sha256Stream hash;
    std::string lines, packed;
    plan_file::Footer footer;
    std::uint64_t written = 0;  // bytes, `packed` included
    std::uint64_t in_frame = 0;
    bool sealed = false;

    Impl(std::string name, std::string part_name, AppendFile opened)
        : path(std::move(name)), part(std::move(part_name)), file(std::move(opened)) {}
    ~Impl() {
        if (!sealed) ::unlink(part.c_str());  // a leftover is removed by the next writer too
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    void pack() {
        const std::size_t before = packed.size();
        encoder.append(lines, packed);
        lines.clear();
        written += packed.size() - before;
    }
    void end_frame() {
        pack();
        const std::size_t before = packed.size();
        encoder.end_frame(packed);
        written += packed.size() - before;
        in_frame = 0;
    }
    Status flush() {
        hash.update(packed);
        TRY(file.write(packed));
        packed.clear();
        return {};
    }

    void count(const Action& action) {
        PlanTotals& totals = footer.totals;
        ++totals.actions;
        if (action.what == Do::skip) {
            ++totals.skipped[action.reason];
        } else if (action.what == Do::fail) {
            ++totals.failed[action.reason];
        } else {
            ++totals.effects;
            totals.bytes += action.from.size;
            name_bucket(action.from.bucket);
            name_bucket(action.to.bucket);
            totals.targets_existing += action.target_existed ? 1 : 0;
            totals.opaque_etags += is_plain_md5(action.from.etag) ? 0 : 1;
            totals.longest_key = std::max(
                {totals.longest_key, std::uint64_t{action.from.key.size()}, std::uint64_t{action.to.key.size()}});
        }
    }

    void name_bucket(const std::string& bucket) {
        std::set<std::string>& buckets = footer.totals.buckets;
        if (buckets.size() < kMostBuckets) buckets.insert(bucket);
    }

    Status write_footer() {
        footer.sha256 = hex(hash.finish());
        std::string frame;
        plan_file::write_footer(lines, footer);
        encoder.append(lines, frame);
        encoder.end_frame(frame);
        TRY(file.write(frame));
        return file.write(plan_file::write_trailer({.offset = written, .size = frame.size(), .crc32c = crc32c(frame)}));
    }
};

Result<PlanWriter> PlanWriter::create(const std::string& path, const PlanHeader& header) {
    const std::string part = path + ".part";
    TRY(remove_file(part));  // of a planner that died
    TRY_LET(file, AppendFile::open(part, AppendFile::Mode::create_new));
    auto impl = std::make_unique<Impl>(path, part, std::move(file));
    plan_file::write_header(impl->lines, header);
    impl->end_frame();
    return PlanWriter(std::move(impl));
}

PlanWriter::PlanWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PlanWriter::PlanWriter(PlanWriter&&) noexcept = default;
PlanWriter::~PlanWriter() = default;

Result<std::uint64_t> PlanWriter::add(Action action) {
    Impl& plan = *impl_;
    action.n = plan.footer.totals.actions;
    if (plan.in_frame == 0) plan.footer.frames.push_back({.offset = plan.written, .first = action.n});
    write_action(plan.lines, action);
    plan.count(action);
    if (++plan.in_frame == kActionsPerFrame)
        plan.end_frame();
    else if (plan.lines.size() >= kLinesBuffered)
        plan.pack();
    if (plan.packed.size() >= kBytesBuffered) TRY(plan.flush());
    return action.n;
}

PlanTotals& PlanWriter::totals() {
    return impl_->footer.totals;
}

std::uint64_t PlanWriter::bytes() const {
    return impl_->written;
}

Result<std::string> PlanWriter::seal(const std::string& path) {
    Impl& plan = *impl_;
    CHECK(!plan.sealed);
    if (!path.empty()) plan.path = path;
    if (plan.in_frame != 0) plan.end_frame();
    TRY(plan.flush());
    TRY(plan.write_footer());
    TRY(plan.file.sync());
    if (::rename(plan.part.c_str(), plan.path.c_str()) != 0)
        return system_error("rename the plan to", plan.path, errno);
    plan.sealed = true;
    TRY(sync_directory(parent_of(plan.path)));
    return plan.footer.sha256;
}

}  // namespace dray
