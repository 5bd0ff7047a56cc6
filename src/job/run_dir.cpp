#include "job/run_dir.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "job/json_fields.h"
#include "job/plan_file.h"
#include "job/run_files.h"

namespace dray {
namespace {

constexpr std::size_t kMaxNameBytes = 128;
constexpr std::size_t kRunsNamed = 10;  // in an error message
constexpr std::uint64_t kMaxRunJsonBytes = std::uint64_t{16} << 20;

Error make_error(Code code, std::string message) {
    return {.code = code, .message = std::move(message)};
}

std::string absolute_environment(const char* name) {
    const char* value = std::getenv(name);
    return value && value[0] == '/' ? value : "";
}

Status check_run_name(const std::string& name) {
    const bool plain = std::ranges::all_of(name, [](unsigned char c) { return c > ' ' && c != '/' && c < 0x7F; });
    if (!name.empty() && name.size() <= kMaxNameBytes && plain && name[0] != '.' && name[0] != '-' && name != "last")
        return {};
    return make_error(Code::invalid, "\"" + name +
                                         "\" cannot name a run: letters, digits and signs without blanks and "
                                         "slashes, not beginning with . or -, and not the word last");
}

// "20261121-094312-k3f9": sorts by time, and is short enough to be typed.
std::string made_up_name() {
    constexpr std::string_view kLetters = "0123456789abcdefghjkmnpqrstvwxyz";  // 32, without those that look alike
    std::string name;
    for (const char c : iso8601(real_clock().wall()).substr(0, 19))
        if (c != '-' && c != ':') name += c == 'T' ? '-' : c;
    name += '-';
    std::array<unsigned char, 4> random{};
    CHECK(::getrandom(random.data(), random.size(), 0) == static_cast<ssize_t>(random.size()));
    for (const unsigned char byte : random)
        name += kLetters[byte % kLetters.size()];
    return name;
}

bool exists(const std::string& path) {
    return ::access(path.c_str(), F_OK) == 0;
}

// The state directory may be reached by a symlink of its owner's; what is in it may not.
Status check_ours(const std::string& path, bool follow) {
    struct stat facts {};
    const int failed = follow ? ::stat(path.c_str(), &facts) : ::lstat(path.c_str(), &facts);
    if (failed != 0) return system_error("examine", path, errno);
    if (S_ISLNK(facts.st_mode)) return make_error(Code::refused, path + " is a symbolic link");
    if (facts.st_uid != ::geteuid())
        return make_error(Code::refused, path + " belongs to another user (uid " + std::to_string(facts.st_uid) + ")");
    const bool sticky_directory = S_ISDIR(facts.st_mode) && (facts.st_mode & S_ISVTX) != 0;
    if ((facts.st_mode & S_IWOTH) != 0 && !sticky_directory)
        return make_error(Code::refused, "everybody may write to " + path + ": what it says cannot be trusted");
    return {};
}

Status check_run_ours(const RunPaths& run) {
    TRY(check_ours(run.directory, false));
    for (const std::string& file : {run.plan(), run.journal(), run.run_json(), run.seal()})
        if (exists(file)) TRY(check_ours(file, false));
    return {};
}

RunPhase phase_of(const RunPaths& run) {
    if (!exists(run.plan())) return RunPhase::planning;
    if (!exists(run.journal())) return RunPhase::planned;
    const std::optional<RunEnd> end = journal_end(run.journal());
    if (!end) return RunPhase::applying;
    return end->outcome == "finished" ? RunPhase::finished : RunPhase::stopped;
}

// What run.json tells; a run that died before it was written has its directory's time only.
void read_run_json(RunSummary& summary) {
    struct stat facts {};
    if (::stat(summary.paths.directory.c_str(), &facts) == 0)
        summary.made_at = WallTime(std::chrono::seconds(facts.st_mtim.tv_sec));
    auto text = read_file(summary.paths.run_json(), kMaxRunJsonBytes);
    if (!text) return;
    JsonParser parser;
    auto json = parser.parse(*text);
    if (!json) return;
    for (const auto& [name, value] : json->members()) {
        Member member(name, value);
        (void)(member.is("command", summary.command) || member.is("parent", summary.parent) ||
               member.is("made_at", summary.made_at));
    }
}

bool has_changed_something(const RunSummary& run) {
    if (run.phase == RunPhase::planning || run.phase == RunPhase::planned) return false;
    const auto totals = peek_totals(run.paths.plan());
    return !totals || totals->effects > 0;
}

bool is_begun(const RunSummary& run) {
    return run.phase == RunPhase::applying || run.phase == RunPhase::stopped;
}

bool is_last(const RunSummary& run, Last last) {
    switch (last) {
        case Last::planned: return run.phase != RunPhase::planning;
        case Last::unfinished:
            return run.sealed_by.empty() && (is_begun(run) || (run.phase == RunPhase::planned && run.begun));
        case Last::changing: return has_changed_something(run);
    }
    return false;
}

Error no_last(Last last, const std::string& there_are) {
    const std::string what = last == Last::unfinished ? "no run was begun and left unfinished"
                             : last == Last::changing ? "no run changed anything yet"
                                                      : "no run is planned";
    return make_error(Code::not_found, what + ", so none is the last (" + there_are + ")");
}

std::string names_of(const std::vector<RunSummary>& runs) {
    std::string names;
    for (std::size_t i = 0; i < std::min(runs.size(), kRunsNamed); ++i)
        names += (i == 0 ? "" : ", ") + runs[i].paths.id;
    if (runs.size() > kRunsNamed) names += ", ...";
    return names.empty() ? "there are none" : "there are " + names;
}

}  // namespace

std::string default_state_path() {
    if (std::string own = absolute_environment("DRAY_STATE"); !own.empty()) return own;
    if (const std::string state = absolute_environment("XDG_STATE_HOME"); !state.empty()) return state + "/dray";
    const std::string home = absolute_environment("HOME");
    return home.empty() ? "" : home + "/.local/state/dray";
}

Result<std::string> default_state_directory() {
    std::string directory = default_state_path();
    if (directory.empty())
        return make_error(Code::local, "no home directory is known to keep runs in: name a directory with --state");
    TRY(check_state_directory(directory));
    return directory;
}

Status check_state_directory(const std::string& directory) {
    const auto advise = [](Error error) {
        error.message += "; another state directory can be named with --state";
        return error;
    };
    if (auto made = make_directories(directory); !made) return advise(std::move(made).error());
    if (auto ours = check_ours(directory, true); !ours) return advise(std::move(ours).error());
    if (::access(directory.c_str(), W_OK | X_OK) != 0) return advise(system_error("write to", directory, errno));
    return {};
}

Status write_run_json(const RunPaths& run, const PlanHeader& header) {
    std::string text;
    JsonWriter json(text);
    json.begin_object().field("format", "dray-run").field("version", std::uint64_t{1});
    plan_file::write_origin(json, header);
    json.end_object();
    return write_file_atomically(run.run_json(), text + "\n");
}

std::string_view name_of(RunPhase phase) {
    constexpr std::array<std::string_view, 5> kNames = {"planning", "planned", "applying", "stopped", "finished"};
    return kNames.at(static_cast<std::size_t>(phase));
}

RunSummary read_summary(const RunPaths& paths) {
    RunSummary summary{.paths = paths};
    read_run_json(summary);
    summary.phase = phase_of(paths);
    summary.live = run_is_live(paths);
    summary.begun = exists(paths.begun());
    if (auto seal = read_file(paths.seal(), kMaxNameBytes + 1)) {
        while (seal->ends_with('\n'))
            seal->pop_back();
        summary.sealed_by = *seal;
    }
    return summary;
}

Result<StateDirectory> StateDirectory::open(std::string directory) {
    TRY(check_state_directory(directory));
    StateDirectory state(std::move(directory));
    for (const char* part : {"/runs", "/locks"}) {
        TRY(make_directories(state.path_ + part));
        TRY(check_ours(state.path_ + part, false));
    }
    return state;
}

Result<RunPaths> StateDirectory::create_run(const std::string& name) {
    constexpr int kAttempts = 16;
    if (!name.empty()) TRY(check_run_name(name));
    for (int attempt = 0;; ++attempt) {
        RunPaths run{.id = name.empty() ? made_up_name() : name};
        run.directory = path_ + "/runs/" + run.id;
        if (::mkdir(run.directory.c_str(), 0700) == 0) {
            TRY(sync_directory(path_ + "/runs"));
            return run;
        }
        if (errno != EEXIST) return system_error("make the directory", run.directory, errno);
        if (!name.empty() || attempt == kAttempts)
            return make_error(Code::exists, "there is a run " + run.id +
                                                " already: choose another --run-id, or look at it with dray status " +
                                                run.id);
    }
}

Result<std::vector<RunSummary>> StateDirectory::runs() const {
    std::vector<RunSummary> found;
    std::error_code failure;
    std::filesystem::directory_iterator entry(path_ + "/runs", failure);
    for (; !failure && entry != std::filesystem::directory_iterator(); entry.increment(failure)) {
        const RunPaths run{.id = entry->path().filename().string(), .directory = entry->path().string()};
        if (check_run_name(run.id) && check_ours(run.directory, false)) found.push_back(read_summary(run));
    }
    if (failure) return system_error("list", path_ + "/runs", failure.value());
    std::ranges::sort(found, [](const RunSummary& a, const RunSummary& b) {
        return std::tie(a.made_at, a.paths.id) > std::tie(b.made_at, b.paths.id);
    });
    return found;
}

Result<RunPaths> StateDirectory::find_run(const std::string& name, Last last) const {
    const RunPaths exact = paths_of(name);
    if (check_run_name(name) && exists(exact.directory)) {
        TRY(check_run_ours(exact));
        return exact;
    }
    TRY_LET(all, runs());
    std::vector<RunSummary> fitting;
    for (const RunSummary& run : all) {
        if (name == "last" ? is_last(run, last) : !name.empty() && run.paths.id.starts_with(name))
            fitting.push_back(run);
        if (name == "last" && !fitting.empty()) break;
    }
    if (fitting.empty() && name == "last") return no_last(last, names_of(all));
    if (fitting.empty())
        return make_error(Code::not_found, "no run is called \"" + name + "\" (" + names_of(all) + ")");
    if (name != "last" && fitting.size() > 1)
        return make_error(Code::invalid, "\"" + name + "\" may be any of several runs: " + names_of(fitting));
    TRY(check_run_ours(fitting.front().paths));
    return fitting.front().paths;
}

Result<FileLock> StateDirectory::lock_run(const RunPaths& run) const {
    std::array<char, 256> host{};
    if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
    const std::string note = "process " + std::to_string(::getpid()) + " on " + host.data() + " since " +
                             iso8601(real_clock().wall()) + "\n";
    TRY_LET(lock, FileLock::try_lock(run_lock(run), note));
    if (lock) return *std::move(lock);
    std::string holder = read_file(run_lock(run), 4096).value_or("another process");
    while (holder.ends_with('\n'))
        holder.pop_back();
    return make_error(Code::refused, "run " + run.id + " is under way: " + holder + "; wait for it to end");
}

Result<std::vector<std::string>> StateDirectory::prune(WallTime oldest) {
    std::vector<std::string> removed;
    TRY_LET(all, runs());
    for (const RunSummary& run : all) {
        if (run.live || run.made_at >= oldest) continue;
        const bool undone = !run.sealed_by.empty() && phase_of(paths_of(run.sealed_by)) == RunPhase::finished;
        if (is_begun(run) && !undone) continue;
        // Its parent is sealed, and only this undo can bring back what the parent moved.
        if (run.phase != RunPhase::finished && !run.parent.empty() && exists(paths_of(run.parent).directory)) continue;
        TRY(remove_run(run.paths, /*force=*/undone));
        removed.push_back(run.paths.id);
    }
    return removed;
}

Status StateDirectory::remove_run(const RunPaths& run, bool force) {
    TRY(check_ours(run.directory, false));
    TRY_LET(lock, lock_run(run));
    (void)lock;  // held until the run is gone
    if (!force && is_begun(read_summary(run)))
        return make_error(Code::refused, "run " + run.id + " is not finished: resume or undo it first");
    TRY(forget_scopes(*this, run.id));
    // Under another name first: a removal that is cut short must not leave half a run.
    const std::string going = path_ + "/runs/.removed-" + run.id;
    std::error_code failure;
    std::filesystem::remove_all(going, failure);  // of an earlier attempt
    if (!failure) std::filesystem::rename(run.directory, going, failure);
    if (!failure) std::filesystem::remove_all(going, failure);
    if (failure) return system_error("remove", run.directory, failure.value());
    return sync_directory(path_ + "/runs");
}

std::optional<WallTime> quiet_until(const JournalSummary& journal, WallTime lock_taken) {
    const WallTime latest = lock_taken + kQuietTimeUnansweredCopy;
    std::optional<WallTime> until;
    const auto wait_for = [&](WallTime time) { until = std::min(std::max(until.value_or(time), time), latest); };
    for (const RunEnd& end : journal.ends) {
        if (end.all_answered) continue;
        const WallTime last = end.last_change == WallTime{} ? end.at : end.last_change;
        wait_for(end.copy_unanswered ? last + kQuietTimeUnansweredCopy : last + kQuietTime);
    }
    if (journal.died_before) wait_for(*journal.died_before + kQuietTimeUnansweredCopy);
    if (journal.processes != 0 && !journal.last_process_ended) wait_for(latest);
    return until;
}

}  // namespace dray
