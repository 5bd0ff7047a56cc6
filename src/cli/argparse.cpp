#include "cli/argparse.h"

#include <algorithm>
#include <optional>

namespace dray {
namespace {

Error usage_error(std::string message) {
    return {.code = Code::invalid, .message = std::move(message)};
}

class Parser {
public:
    Parser(std::vector<ArgparseOption> options, const std::vector<std::string>& arguments)
        : options_(std::move(options)), arguments_(arguments) {
        options_.push_back({"help", 'h', false});
    }

    Result<Arguments> parse() {
        for (; at_ < arguments_.size(); ++at_) {
            const std::string& word = arguments_[at_];
            if (word == "--") {
                found_.positional.insert(found_.positional.end(),
                                         arguments_.begin() + static_cast<std::ptrdiff_t>(at_) + 1, arguments_.end());
                break;
            }
            if (word.starts_with("--")) {
                TRY(long_option(word.substr(2)));
            } else if (word.size() > 1 && word[0] == '-') {
                TRY(short_options(word.substr(1)));
            } else {
                found_.positional.push_back(word);
            }
        }
        return std::move(found_);
    }

private:
    Status long_option(const std::string& text) {
        const std::size_t equals = text.find('=');
        TRY_LET(option, named(text.substr(0, equals)));
        if (equals == std::string::npos) return take(*option, std::nullopt);
        if (!option->takes_value)
            return usage_error("argument --" + option->long_name + ": ignored explicit argument '" +
                               text.substr(equals + 1) + "'");
        return take(*option, text.substr(equals + 1));
    }

    // "-vc FILE", "-cFILE"
    Status short_options(const std::string& letters) {
        for (std::size_t i = 0; i < letters.size(); ++i) {
            const auto option = std::find_if(options_.begin(), options_.end(),
                                             [&](const auto& each) { return each.short_name == letters[i]; });
            if (option == options_.end()) return usage_error("unrecognized arguments: -" + letters.substr(i));
            if (option->takes_value) {
                std::string rest = letters.substr(i + 1);
                if (rest.starts_with('=')) rest.erase(0, 1);
                return take(*option, i + 1 < letters.size() ? std::optional(rest) : std::nullopt);
            }
            TRY(take(*option, std::nullopt));
        }
        return {};
    }

    Result<const ArgparseOption*> named(const std::string& name) const {
        std::vector<const ArgparseOption*> fitting;
        for (const ArgparseOption& option : options_) {
            if (option.long_name == name) return &option;
            if (option.long_name.starts_with(name)) fitting.push_back(&option);
        }
        if (fitting.size() == 1) return fitting.front();
        if (fitting.empty()) return usage_error("unrecognized arguments: --" + name);
        std::string all;
        for (const ArgparseOption* option : fitting)
            all += (all.empty() ? "--" : ", --") + option->long_name;
        return usage_error("ambiguous option: --" + name + " could match " + all);
    }

    Status take(const ArgparseOption& option, std::optional<std::string> value) {
        if (!option.takes_value) {
            found_.flags.insert(option.long_name);
            return {};
        }
        if (!value) {
            const bool there =
                at_ + 1 < arguments_.size() && !(arguments_[at_ + 1].size() > 1 && arguments_[at_ + 1][0] == '-');
            if (!there) return usage_error("argument --" + option.long_name + ": expected one argument");
            value = arguments_[++at_];
        }
        found_.values[option.long_name] = *std::move(value);
        return {};
    }

    std::vector<ArgparseOption> options_;
    const std::vector<std::string>& arguments_;
    std::size_t at_ = 0;
    Arguments found_;
};

}  // namespace

Result<Arguments> parse_arguments(const std::vector<ArgparseOption>& options,
                                  const std::vector<std::string>& arguments) {
    return Parser(options, arguments).parse();
}

}  // namespace dray
