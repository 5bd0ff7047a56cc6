#include <sys/resource.h>

#include <string>
#include <variant>
#include <vector>

#include "base/log.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/flags.h"
#include "cli/shell.h"

namespace dray {
namespace {

struct RunCommand {
    Shell& shell;
    Result<int> operator()(const Printed& printed) const {
        shell.print(printed.text);
        return kDone;
    }
    Result<int> operator()(const ListFlags& flags) const { return run_list(shell, flags); }
    Result<int> operator()(const MoveFlags& flags) const { return run_move(shell, flags); }
    Result<int> operator()(const CopyFlags& flags) const { return run_copy(shell, flags); }
    Result<int> operator()(const SegregateFlags& flags) const { return run_segregate(shell, flags); }
    Result<int> operator()(const ApplyFlags& flags) const { return run_apply(shell, flags); }
    Result<int> operator()(const ResumeFlags& flags) const { return run_resume(shell, flags); }
    Result<int> operator()(const UndoFlags& flags) const { return run_undo(shell, flags); }
    Result<int> operator()(const VerifyFlags& flags) const { return run_verify(shell, flags); }
    Result<int> operator()(const StatusFlags& flags) const { return run_status_command(shell, flags); }
    Result<int> operator()(const ReportFlags& flags) const { return run_report(shell, flags); }
    Result<int> operator()(const RunsFlags& flags) const { return run_runs(shell, flags); }
};

Status set_up_log(const CommonFlags& flags) {
    Status done = dray::set_up_log(
        {.stderr_level = flags.verbose > 0 ? LogLevel::info : LogLevel::warning, .file = flags.log_file});
    if (done) return done;
    return Error{.code = Code::invalid,
                 .message = done.error().message + "; make its directory, or give another --log-file"};
}

Result<int> run(Shell& shell, const std::vector<std::string>& arguments) {
    TRY_LET(invocation, parse_command_line(arguments));
    TRY(std::visit(
        [](const auto& flags) -> Status {
            if constexpr (requires { flags.common; }) return set_up_log(flags.common);
            return {};
        },
        invocation));
    return std::visit(RunCommand{shell}, invocation);
}

std::string base_name(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
}

int main_of(const std::vector<std::string>& argv) {
    // A core dump would hold the secret key.
    const rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);

    Shell shell(argv);
    const std::vector<std::string> arguments(argv.begin() + (argv.empty() ? 0 : 1), argv.end());
    if (!argv.empty() && is_compat_name(base_name(argv.front())))
        return run_compat(shell, base_name(argv.front()), arguments);
    if (arguments.size() == 1 && arguments[0] == "compat") return run_compat(shell, "", {});
    if (arguments.size() >= 2 && arguments[0] == "compat")
        return run_compat(shell, arguments[1], {arguments.begin() + 2, arguments.end()});

    const auto code = run(shell, arguments);
    (void)shell.flush();  // a reader that left early (ls | head) is no failure of ours; anything else is a fault
    if (!code) shell.complain(code.error().message);
    if (shell.out_fault()) {
        shell.complain(shell.out_fault()->message);
        return kLocal;
    }
    return code ? *code : exit_code(code.error(), shell.signal());
}

}  // namespace
}  // namespace dray

int main(int argc, char** argv) {
    return dray::main_of(std::vector<std::string>(argv, argv + argc));
}
