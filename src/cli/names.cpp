#include "cli/names.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>

#include "base/log.h"

namespace dray {
namespace {

class NameFile {
public:
    NameFile(std::FILE* file, std::string path, bool raw) : file_(file), path_(std::move(path)), raw_(raw) {}
    ~NameFile() {
        std::free(line_);
        if (file_ != stdin) std::fclose(file_);
    }
    NameFile(const NameFile&) = delete;
    NameFile& operator=(const NameFile&) = delete;

    Result<std::optional<std::string>> next() {
        while (true) {
            errno = 0;
            const ssize_t read = ::getline(&line_, &room_, file_);
            if (read < 0 && std::ferror(file_))
                return Error{.code = Code::local, .message = "cannot read " + path_ + ": " + std::strerror(errno)};
            if (read < 0) return std::optional<std::string>();
            std::string_view line(line_, static_cast<std::size_t>(read));
            if (line.ends_with('\n')) line.remove_suffix(1);
            if (!raw_) line = trimmed(line);
            const bool comment = !raw_ && (line.starts_with('#') || line.starts_with(';'));
            if (!line.empty() && !comment) return std::optional(std::string(line));
        }
    }

private:
    static std::string_view trimmed(std::string_view line) {
        static constexpr std::string_view kBlank = " \t\r";
        const std::size_t first = line.find_first_not_of(kBlank);
        if (first == std::string_view::npos) return {};
        return line.substr(first, line.find_last_not_of(kBlank) - first + 1);
    }

    std::FILE* file_;
    std::string path_;
    bool raw_;
    char* line_ = nullptr;
    std::size_t room_ = 0;
};

}  // namespace

Result<NextName> names_from(const std::string& path, bool raw) {
    const auto cannot = [&](const std::string& why) {
        return Error{.code = Code::invalid, .message = "cannot read the names in " + in_quotes(path) + ": " + why};
    };
    std::error_code unknown;  // what cannot be asked about cannot be opened either
    if (path != "-" && std::filesystem::is_directory(path, unknown)) return cannot("it is a directory");
    std::FILE* file = path == "-" ? stdin : std::fopen(path.c_str(), "re");
    if (!file) return cannot(std::strerror(errno));
    // shared: a NextName is a std::function, which must be copyable.
    auto names = std::make_shared<NameFile>(file, path, raw);
    return NextName([names] { return names->next(); });
}

}  // namespace dray
