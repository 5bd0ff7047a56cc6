#include "cli/help.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

namespace dray {
namespace {

constexpr std::size_t kLeft = 30;  // columns of names, before what they mean

// `text` broken between words, each line but the first `indent` columns in.
std::string wrapped(const std::string& text, std::size_t indent) {
    std::istringstream words(text);
    std::string out, word;
    std::size_t column = indent;
    while (words >> word) {
        const bool first = column == indent;
        if (!first && column + 1 + word.size() > kHelpColumns) {
            out += '\n' + std::string(indent, ' ');
            column = indent;
        } else if (!first) {
            out += ' ';
            ++column;
        }
        out += word;
        column += word.size();
    }
    return out;
}

std::string row(const std::string& name, const std::string& meaning) {
    std::string left = "  " + name;
    left.size() + 2 > kLeft ? left += '\n' + std::string(kLeft, ' ') : left.append(kLeft - left.size(), ' ');
    return left + wrapped(meaning, kLeft) + '\n';
}

class Help : public CLI::Formatter {
public:
    Help() { label("Positionals", "Arguments"); }

    std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override {
        if (mode == CLI::AppFormatMode::Sub) return make_expanded(app);
        std::string text = wrapped(app->get_description(), 0) + "\n\n" + make_usage(app, std::move(name));
        text += make_positionals(app);
        if (!app->get_footer().empty()) text += '\n' + app->get_footer() + '\n';
        std::vector<std::string> groups = app->get_groups();
        // "Options", which holds --help, comes last.
        std::stable_partition(groups.begin(), groups.end(), [](const auto& group) { return group != "Options"; });
        text += make_subcommands(app, mode);
        for (const std::string& group : groups)
            text += options_of(app, group);
        return text;
    }

    std::string make_usage(const CLI::App* app, std::string name) const override {
        std::string usage = "Usage: " + name;
        for (const CLI::Option* each : app->get_options([](const CLI::Option* opt) { return opt->get_positional(); }))
            usage += ' ' + make_option_usage(each);
        for (const CLI::Option* each : app->get_options([](const CLI::Option* opt) { return opt->get_required(); }))
            if (each->nonpositional()) usage += " -" + each->get_snames().at(0) + ' ' + each->get_type_name();
        usage += app->get_subcommands([](const CLI::App* sub) { return !sub->get_name().empty(); }).empty()
                     ? " [FLAGS]"
                     : " COMMAND ...";
        return usage + '\n';
    }

    std::string make_subcommands(const CLI::App* app, CLI::AppFormatMode) const override {
        std::string text;
        for (const CLI::App* sub : app->get_subcommands([](const CLI::App*) { return true; }))
            text += row(sub->get_name(), sub->get_description());
        return text.empty() ? text : "\nCommands:\n" + text;
    }

    std::string make_option(const CLI::Option* option, bool positional) const override {
        std::string name = make_option_name(option, positional);
        if (const std::size_t comma = name.find(','); comma != std::string::npos) name.insert(comma + 1, " ");
        const bool takes_value = !positional && option->get_type_size() != 0;
        if (takes_value) name += ' ' + option->get_type_name();
        return row(name, make_option_desc(option));
    }

private:
    std::string options_of(const CLI::App* app, const std::string& group) const {
        const auto options = app->get_options([&](const CLI::Option* option) {
            return option->nonpositional() && !group.empty() && option->get_group() == group;
        });
        return options.empty() ? std::string() : make_group(group, false, options);
    }
};

}  // namespace

std::shared_ptr<CLI::FormatterBase> help_formatter() {
    return std::make_shared<Help>();
}

}  // namespace dray
