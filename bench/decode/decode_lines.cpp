// Decodes a file and counts its lines, as a command that looks inside objects does: bench/decode/run measures it.
//
//   decode-lines THREADS FILE    prints "lines N bytes N"; exit 1: it cannot be read or decoded, 2: usage
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "base/crew.h"
#include "codec/lines.h"

namespace dray {
namespace {

constexpr std::size_t kRange = std::size_t{1} << 20;  // what a ranged GET might bring at a time

struct FileCloser {
    void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, FileCloser>;

Status decode(std::FILE* file, std::size_t threads) {
    TRY_LET(crew, Crew::make(threads));
    std::string range(kRange, '\0');
    std::size_t got = std::fread(range.data(), 1, range.size(), file);
    const Format format = format_of(std::string_view(range).substr(0, got));
    const auto decoder = make_decoder(
        format, {.blocks_at_once = threads == 1 ? 1 : 4 * threads, .crew = threads == 1 ? nullptr : crew.get()});
    LineReader lines(*decoder);
    std::uint64_t count = 0;
    while (!decoder->ended()) {
        TRY_LET(line, lines.next());
        if (line) {
            ++count;
        } else if (got > 0) {
            decoder->push(std::string_view(range).substr(0, got));
            got = std::fread(range.data(), 1, range.size(), file);
        } else if (!decoder->ended()) {
            if (std::ferror(file)) return Error{.code = Code::local, .message = "cannot read"};
            decoder->finish();
        }
    }
    std::printf("lines %llu bytes %llu\n", static_cast<unsigned long long>(count),
                static_cast<unsigned long long>(decoder->decoded_bytes()));
    return {};
}

}  // namespace
}  // namespace dray

int main(int argc, char** argv) {
    const std::size_t threads = argc == 3 ? std::strtoull(argv[1], nullptr, 10) : 0;
    if (threads < 1 || threads > 256) {
        std::fprintf(stderr, "usage: decode-lines THREADS FILE\n");
        return 2;
    }
    const dray::File file(std::fopen(argv[2], "rb"));
    const auto done = file ? dray::decode(file.get(), threads)
                           : dray::Status(dray::Error{.code = dray::Code::local, .message = "cannot be opened"});
    if (done) return 0;
    std::fprintf(stderr, "%s: %s\n", argv[2], done.error().message.c_str());
    return 1;
}
