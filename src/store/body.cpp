#include "store/body.h"

namespace dray {

Result<std::string> read_whole(ByteSource& source) {
    std::string bytes(source.size(), '\0');
    std::size_t have = 0;
    while (have < bytes.size()) {
        TRY_LET(n, source.read(bytes.data() + have, bytes.size() - have));
        if (n == 0) break;
        have += n;
    }
    char extra = 0;
    TRY_LET(more, source.read(&extra, 1));
    if (have == bytes.size() && more == 0) return bytes;
    return Error{.code = Code::invalid,
                 .message = "the source changed while it was read: its length is not what it was",
                 .reason = "changed-while-read"};
}

Result<std::string> get_whole(const Context& ctx, ObjectStore& store, const ObjectRef& object,
                              const GetOptions& options) {
    std::string bytes;
    TRY(store.get(ctx, object, options, [&](std::string_view more) -> Status {
        bytes += more;
        return {};
    }));
    return bytes;
}

}  // namespace dray
