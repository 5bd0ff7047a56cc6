#include "ops/list.h"

#include <fmt/format.h>

#include "base/external_sort.h"
#include "base/json.h"
#include "base/log.h"
#include "base/time.h"
#include "ops/pages.h"

namespace dray {
namespace {

// Records that sort as their keys do: a zero byte in the key becomes 00 FF, and 00 00 ends it.
std::string sortable(const ListedObject& object) {
    std::string record;
    for (const char c : object.key) {
        record += c;
        if (c == '\0') record += '\xFF';
    }
    record.append(2, '\0');
    append_u64(record, object.size);
    append_u64(record, static_cast<std::uint64_t>(object.modified.time_since_epoch().count()));
    append_u64(record, object.etag.size());
    return record.append(object.etag).append(object.storage_class);
}

ListedObject unsorted(std::string_view record) {
    ListedObject object;
    std::size_t at = 0;
    for (; record.substr(at, 2) != std::string_view("\0\0", 2); ++at) {
        object.key += record[at];
        if (record[at] == '\0') ++at;
    }
    record.remove_prefix(at + 2);
    object.size = read_u64(record);
    object.modified = WallTime(Nanos(static_cast<std::int64_t>(read_u64(record.substr(8)))));
    const std::uint64_t etag = read_u64(record.substr(16));
    object.etag = record.substr(24, etag);
    object.storage_class = record.substr(24 + etag);
    return object;
}

class Lister {
public:
    Lister(const Context& ctx, ObjectStore& store, const ListCommand& command,
           const std::function<Status(const ListedObject&)>& each)
        : ctx_(ctx), store_(store), command_(command), each_(each) {}

    Result<ListTotals> run() {
        if (command_.max == 0) return totals_;
        if (command_.single) return look();
        if (command_.sorted) return list_sorted();
        TRY(list_choosing([this](const ListedObject& object) { return hand_on(object); }));
        return totals_;
    }

private:
    using Sink = std::function<Status(const ListedObject&)>;

    bool full() const { return totals_.chosen == command_.max; }

    Status hand_on(const ListedObject& object) {
        ++totals_.chosen;
        totals_.bytes += object.size;
        return each_(object);
    }

    Status list_choosing(const Sink& sink) {
        const auto listed = list_pages(ctx_, store_, {.bucket = command_.bucket, .prefix = command_.prefix},
                                       command_.streams, [&](const ListPage& page) -> Result<bool> {
                                           ++totals_.pages;
                                           if (totals_.others == 0 && !page.others.empty())
                                               totals_.first_other = page.others.front();
                                           totals_.others += page.others.size();
                                           for (const ListedObject& object : page.objects) {
                                               ++totals_.listed;
                                               if (command_.select && !command_.select(object)) continue;
                                               TRY(sink(object));
                                               if (full()) return false;
                                           }
                                           return true;
                                       });
        if (!listed) return Status(listed.error());
        totals_.anomalies = listed->anomalies;
        return {};
    }

    Result<ListTotals> list_sorted() {
        ExternalSorter sorter(command_.scratch);
        TRY(list_choosing([&](const ListedObject& object) { return sorter.add(sortable(object)); }));
        TRY(sorter.finish());
        while (!full()) {
            TRY_LET(record, sorter.next());
            if (!record) break;
            TRY(hand_on(unsorted(*record)));
        }
        return totals_;
    }

    Result<ListTotals> look() {
        TRY_LET(seen, store_.head(ctx_, {command_.bucket, command_.prefix, ""}));
        const ListedObject object{.key = command_.prefix,
                                  .size = seen.size,
                                  .etag = seen.etag,
                                  .modified = seen.modified,
                                  .storage_class = seen.properties.storage_class};
        totals_.listed = 1;
        if (!command_.select || command_.select(object)) TRY(hand_on(object));
        return totals_;
    }

    const Context& ctx_;
    ObjectStore& store_;
    const ListCommand& command_;
    const Sink& each_;
    ListTotals totals_;
};

}  // namespace

Result<ListTotals> list_objects(const Context& ctx, ObjectStore& store, const ListCommand& command,
                                const std::function<Status(const ListedObject&)>& each) {
    return Lister(ctx, store, command, each).run();
}

std::string list_json(const std::string& bucket, const ListedObject& object) {
    std::string line;
    JsonWriter json(line);
    json.begin_object().bytes_field("bucket", bucket).bytes_field("path", object.key).field("size", object.size);
    if (!object.etag.empty()) json.bytes_field("etag", object.etag);
    if (object.modified != WallTime{}) json.field("last_modified", iso8601(object.modified));
    if (!object.storage_class.empty()) json.bytes_field("storage_class", object.storage_class);
    json.end_object();
    return line;
}

std::string list_text(const ListedObject& object) {
    const std::string time = object.modified == WallTime{} ? "-" : iso8601(object.modified);
    return fmt::format("{:>14}  {:<24}  {}", object.size, time, printable(object.key));
}

}  // namespace dray
