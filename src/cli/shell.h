// Shell: what a command knows of the process it runs in: streams, terminal, environment, signals.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/result.h"

namespace dray {

class Shell {
public:
    // Takes over SIGINT and SIGTERM (the first asks to stop, the second ends the process at once; the journal is valid
    // either way), ignores SIGPIPE.
    explicit Shell(std::vector<std::string> argv);

    const std::vector<std::string>& argv() const { return argv_; }
    Context context() const;
    int signal() const;  // that asked us to stop; 0: none

    bool out_is_terminal() const { return out_is_terminal_; }
    bool err_is_terminal() const { return err_is_terminal_; }
    // stderr is a terminal whose lines can be erased. NO_COLOR does not matter here: nothing is coloured.
    bool can_redraw() const { return can_redraw_; }
    int width() const;  // of the terminal on stderr; 80 when unknown

    // Results. False once they reach nobody: commands that only list then end, commands that change something go on.
    // A reader that left (ls | head) is no fault; whatever else stopped them (a full disk) is in out_fault().
    bool print(std::string_view text);
    bool flush();
    const std::optional<Error>& out_fault() const { return out_fault_; }
    // For people, on stderr: one line, the newline is added.
    void tell(std::string_view line);
    void draw(std::string_view bytes);  // on stderr, as they are: for the live line
    // "dray: message", one line; control bytes escaped.
    void complain(std::string_view message);

private:
    bool write_out();
    std::vector<std::string> argv_;
    bool out_is_terminal_, err_is_terminal_, can_redraw_;
    bool out_open_ = true;
    std::optional<Error> out_fault_;
    std::string buffer_;
};

std::optional<std::string> environment_variable(const std::string& name);

// For people: "1.2 GiB", "3.1 s", "2 h 14 min".
std::string human_bytes(std::uint64_t bytes);
std::string human_seconds(double seconds);

}  // namespace dray
