// The groups of flags that several commands share. Each is defined once: names, meanings, and what is taken.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "cli/flags.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace dray {

// Which of the shared flags a command's help shows. Others are taken all the same, so that a script may give every
// command the same ones; they change nothing where there is nothing to change.
struct Shown {
    bool store = true;     // it opens one
    bool changes = true;   // it changes objects: waits for locks, heeds quiet times
    bool new_run = false;  // it begins a run
    bool progress = true;  // it may take long
};
void add_common(CLI::App& app, CommonFlags& flags, const Shown& shown);

void add_select(CLI::App& app, SelectFlags& flags);
void add_move_safety(CLI::App& app, MoveOptions& options, std::string& proof, std::string& delete_when);
void add_copy_safety(CLI::App& app, MoveOptions& options, std::string& proof, std::string& overwrite);
void add_new_objects(CLI::App& app, MoveOptions& options);
void add_changes(CLI::App& app, PropertyChanges& changes);  // of properties

// An option that takes one of `words`; the first is the default.
CLI::Option* add_word(CLI::App& app, const std::string& name, std::string& word, const std::vector<std::string>& words,
                      const char* help);
// CLI11 reads "-1" as the largest number of an unsigned type, so counts are read by parse_count().
CLI::Option* add_count(CLI::App& app, const std::string& name, std::function<void(std::uint64_t)> take,
                       const char* help, std::uint64_t least = 0, std::uint64_t most = UINT64_MAX);

// A file, or "-". An empty name (of a variable of the shell that is not set) is refused: it must not mean "no such
// flag".
CLI::Option* add_file(CLI::App& app, const std::string& name, std::string& path, const char* help);

// An amount, kept as it was typed; a range of amounts, as parse_range() takes them.
using AmountReader = Result<std::uint64_t> (*)(const std::string& text);
CLI::Option* add_amount(CLI::App& app, const std::string& name, std::string& text, AmountReader read, const char* help);
CLI::Option* add_range(CLI::App& app, const std::string& name, std::string& text, AmountReader read, const char* help);

}  // namespace dray
