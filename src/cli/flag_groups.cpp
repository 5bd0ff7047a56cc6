#include "cli/flag_groups.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "cli/amounts.h"
#include "ops/list.h"

namespace dray {
namespace {

constexpr std::uint64_t kMaxWorkers = 4096;
constexpr std::uint64_t kMaxAttempts = 100;
constexpr std::uint64_t kMaxStreams = 256;
constexpr const char* kHidden = "";  // CLI11: the group of what no help shows

// Help shows the words as the type, or not at all.
CLI::Validator one_of(const std::vector<std::string>& words) {
    return CLI::IsMember(words).description("");
}

// What read() has against a text, so that the command line refuses it and names the flag.
template <class Read>
CLI::Option* add_checked(CLI::App& app, const std::string& name, std::string& text, Read read, const char* help) {
    auto fault = [read](std::string& typed) {
        const auto amount = read(typed);
        return amount ? std::string() : amount.error().message;
    };
    return app.add_option(name, text, help)->check(CLI::Validator(std::move(fault), ""));
}

void add_store(CLI::App& app, StoreSettings& store, const char* group) {
    app.add_option("--endpoint", store.endpoint,
                   "where the store is (else AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, the profile)")
        ->type_name("URL")
        ->group(group);
    app.add_option("--aws-profile", store.profile, "profile in ~/.aws (else AWS_PROFILE)")
        ->type_name("NAME")
        ->group(group);
    app.add_option("--region", store.region, "else AWS_REGION, the profile, us-east-1")
        ->type_name("NAME")
        ->group(group);
    add_word(app, "--addressing", store.addressing, {"auto", "path", "virtual"}, "where the bucket stands in URLs")
        ->group(group);
    app.add_flag("--request-payer", store.request_payer, "we pay for the requests")->group(group);
    app.add_option("--expected-bucket-owner", store.expected_bucket_owner, "account that must own the buckets")
        ->type_name("ID")
        ->group(group);
    app.add_option("--ca-bundle", store.ca_bundle, "PEM file of authorities to trust (else AWS_CA_BUNDLE)")
        ->type_name("FILE")
        ->group(group);
    app.add_flag("--insecure", store.insecure, "do not check certificates (says so in the log)")->group(group);
    add_count(
        app, "--max-attempts", [&store](std::uint64_t n) { store.max_attempts = static_cast<std::uint32_t>(n); },
        "of one request (8)", 1, kMaxAttempts)
        ->group(group);
}

void add_pace(CLI::App& app, CommonFlags& flags, const char* group) {
    add_count(
        app, "--workers", [&flags](std::uint64_t n) { flags.workers = n; }, "requests at once, at most (256)", 1,
        kMaxWorkers)
        ->group(group);
    add_count(
        app, "--streams", [&flags](std::uint64_t n) { flags.streams = static_cast<std::uint32_t>(n); },
        "of one listing, where the store was proven to list in byte order, at most (16)", 1, kMaxStreams)
        ->group(group);
    app.add_option_function<std::string>(
           "--rate",
           [&flags](const std::string& text) {
               const auto rate = parse_decimal(text);
               if (!rate) throw CLI::ValidationError("--rate", rate.error().message);
               flags.store.rate = *rate;
           },
           "requests a second at most")
        ->type_name("N")
        ->group(group);
    add_amount(app, "--bwlimit", flags.bwlimit, parse_bytes,
               "bytes of objects a second at most, through this machine, as in 10M")
        ->type_name("BYTES")
        ->group(group);
}

void add_output(CLI::App& app, CommonFlags& flags, bool progress) {
    app.add_flag("--json", flags.json, "results as JSON lines")->group("Output");
    app.add_option_function<std::string>(
           "--progress",
           [&flags](const std::string& style) {
               flags.progress = style == "json"   ? ProgressStyle::json
                                : style == "none" ? ProgressStyle::none
                                                  : ProgressStyle::automatic;
           },
           "json: lines on stderr (auto)")
        ->check(one_of({"auto", "json", "none"}))
        ->type_name("auto|json|none")
        ->group(progress ? "Output" : kHidden);
    app.add_option("--log-file", flags.log_file, "append the log to this file")->type_name("FILE")->group("Output");
    app.add_flag("-q,--quiet", flags.quiet, "errors and the result only")->group("Output");
    app.add_flag("-v,--verbose", flags.verbose, "say more on stderr: what was passed by, what will be sent")
        ->group("Output");
}

}  // namespace

CLI::Option* add_word(CLI::App& app, const std::string& name, std::string& word, const std::vector<std::string>& words,
                      const char* help) {
    std::string all;
    for (const std::string& each : words)
        all += (all.empty() ? "" : "|") + each;
    return app.add_option(name, word, fmt::format("{} ({})", help, words.front()))
        ->check(one_of(words))
        ->type_name(all);
}

CLI::Option* add_count(CLI::App& app, const std::string& name, std::function<void(std::uint64_t)> take,
                       const char* help, std::uint64_t least, std::uint64_t most) {
    return app
        .add_option_function<std::string>(
            name,
            [name, take = std::move(take), least, most](const std::string& text) {
                const auto count = parse_count(text, least, most);
                if (!count) throw CLI::ValidationError(name, count.error().message);
                take(*count);
            },
            help)
        ->type_name("N");
}

CLI::Option* add_file(CLI::App& app, const std::string& name, std::string& path, const char* help) {
    return app
        .add_option_function<std::string>(
            name,
            [name, &path](const std::string& text) {
                if (text.empty())
                    throw CLI::ValidationError(name, "names no file; is a variable of the shell not set?");
                path = text;
            },
            help)
        ->type_name("FILE");
}

CLI::Option* add_amount(CLI::App& app, const std::string& name, std::string& text, AmountReader read,
                        const char* help) {
    return add_checked(app, name, text, read, help);
}

CLI::Option* add_range(CLI::App& app, const std::string& name, std::string& text, AmountReader read, const char* help) {
    return add_checked(
        app, name, text, [read](const std::string& typed) { return parse_range(typed, read); }, help);
}

void add_common(CLI::App& app, CommonFlags& flags, const Shown& shown) {
    const char* running = shown.changes ? "Running" : kHidden;
    add_store(app, flags.store, shown.store ? "Store" : kHidden);
    app.add_option("--state", flags.state, "directory of plans and journals (else DRAY_STATE, $XDG_STATE_HOME/dray)")
        ->type_name("DIR")
        ->group("Running");
    app.add_option("--run-id", flags.run_id, "name of the new run")
        ->type_name("NAME")
        ->group(shown.new_run ? "Running" : kHidden);
    add_pace(app, flags, shown.store ? "Running" : kHidden);
    add_amount(
        app, "--quiet-time", flags.quiet_time, parse_age,
        "wait at most this long, as in 2s or 5m, for late requests of killed processes; only when nothing can be in "
        "flight")
        ->type_name("TIME")
        ->group(running);
    app.add_flag("--wait-lock", flags.wait_lock, "wait for a run that works on the same prefix")->group(running);
    add_output(app, flags, shown.progress);
}

void add_select(CLI::App& app, SelectFlags& flags) {
    const auto several = [&](const char* name, std::vector<std::string>& words, const char* type, const char* help) {
        app.add_option(name, words, help)->allow_extra_args(false)->type_name(type)->group("Selection");
    };
    several("--ext", flags.ext, "EXT", "only keys that end in .EXT (mp4 or .mp4); may be repeated");
    several("--glob", flags.glob, "GLOB", "only keys whose last elements match (*, **, ?, [...], {a,b})");
    several("--include", flags.include, "GLOB", "take these");
    several("--exclude", flags.exclude, "GLOB", "leave these out");
    add_range(app, "--size", flags.size, parse_bytes, "+1M at least, -10k at most, 1k..2M between")
        ->type_name("RANGE")
        ->group("Selection");
    add_range(app, "--age", flags.age, parse_age, "+7d at least, -2h at most, by LastModified")
        ->type_name("RANGE")
        ->group("Selection");
    add_count(
        app, "--max", [&flags](std::uint64_t n) { flags.max = n; }, "stop after N objects")
        ->group("Selection");
}

namespace {

void add_guards(CLI::App& app, MoveOptions& options, std::string& proof, const char* proof_help,
                const std::string& preserve_help) {
    app.add_flag("--strict", options.strict, "refuse what would be unguarded, unproven or lose a property")
        ->group("Safety");
    app.add_flag("--exclusive", options.exclusive,
                 "nobody else writes there: saves the requests that only guard against others")
        ->group("Safety");
    add_word(app, "--proof", proof, {"auto", "checksum", "bytes"}, proof_help)->group("Safety");
    app.add_option_function<std::string>(
           "--preserve",
           [&options](const std::string& words) {
               auto set = PropertySet::parse(words);
               if (!set) throw CLI::ValidationError("--preserve", set.error().message);
               options.preserve = *set;
           },
           preserve_help)
        ->type_name("LIST")
        ->group("Safety");
}

// A value of a header. CLI11 hands on the text as it was typed.
std::string header_value(const std::string& flag, std::string value) {
    const auto blank = [](char c) { return c == ' ' || c == '\t'; };
    while (!value.empty() && blank(value.back()))
        value.pop_back();  // HTTP does not keep blanks there
    value.erase(value.begin(), std::find_if_not(value.begin(), value.end(), blank));
    const bool control = std::any_of(value.begin(), value.end(), [](char c) {
        return static_cast<unsigned char>(c) < ' ' || static_cast<unsigned char>(c) == 0x7f;
    });
    if (control) throw CLI::ValidationError(flag, "a line break or another control byte stands in the value");
    return value;
}

NameValue metadata_pair(const std::string& text) {
    static constexpr const char* kFlag = "--set-metadata";
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
        throw CLI::ValidationError(kFlag, "say NAME=VALUE, as in project=x, not '" + text + "'");
    NameValue pair{text.substr(0, equals), header_value(kFlag, text.substr(equals + 1))};
    for (char& c : pair.name) {
        const bool upper = c >= 'A' && c <= 'Z', letter = upper || (c >= 'a' && c <= 'z'), digit = c >= '0' && c <= '9';
        if (!letter && !digit && std::string_view("!#$%&'*+-.^_`|~").find(c) == std::string_view::npos)
            throw CLI::ValidationError(kFlag, "a name of metadata has letters, digits and - . _ only: '" + text + "'");
        if (upper) c = static_cast<char>(c - 'A' + 'a');  // stores do not tell case
    }
    return pair;
}

}  // namespace

void add_move_safety(CLI::App& app, MoveOptions& options, std::string& proof, std::string& delete_when) {
    add_guards(app, options, proof, "least proof that lets a source go",
               "what no source is given up without: content,metadata,tags,redirect,lock,encryption (the default), "
               "storage-class, and of local files mode,owner,attributes; all or none");
    add_word(app, "--delete", delete_when, {"each", "after"},
             "each: a source goes when its copy is proven; after: when all are")
        ->group("Safety");
}

void add_copy_safety(CLI::App& app, MoveOptions& options, std::string& proof, std::string& overwrite) {
    add_word(app, "--overwrite", overwrite, {"never", "newer", "changed", "always"},
             "what becomes of an object at the target that is not the same, bytes and properties")
        ->group("Safety");
    options.preserve = PropertySet();
    add_guards(app, options, proof, "least proof that a copy is good",
               "without which a copy fails: content,metadata,tags,redirect,lock,encryption,storage-class, and of local "
               "files mode,owner,attributes; all. What a store drops is counted otherwise");
}

void add_changes(CLI::App& app, PropertyChanges& changes) {
    static constexpr const char* kGroup = "New objects";
    app.add_option_function<std::vector<std::string>>(
           "--set-metadata",
           [&changes](const std::vector<std::string>& pairs) {
               for (const std::string& pair : pairs)
                   changes.metadata.push_back(metadata_pair(pair));
           },
           "user metadata of the copies, beside their own; may be repeated")
        ->allow_extra_args(false)
        ->type_name("NAME=VALUE")
        ->group(kGroup);
    for (const char* header :
         {"content-type", "content-encoding", "content-language", "content-disposition", "cache-control", "expires"}) {
        const std::string flag = std::string("--") + header;
        app.add_option_function<std::string>(
               flag,
               [&changes, flag, header](const std::string& value) {
                   changes.content.push_back({header, header_value(flag, value)});
                   if (changes.content.back().value.empty()) throw CLI::ValidationError(flag, "say what it is to be");
               },
               "of the copies, instead of their own")
            ->type_name("TEXT")
            ->group(kGroup);
    }
}

void add_new_objects(CLI::App& app, MoveOptions& options) {
    app.add_option("--acl", options.acl, "canned ACL, as in private or bucket-owner-full-control")
        ->check(one_of({"private", "public-read", "public-read-write", "authenticated-read", "aws-exec-read",
                        "bucket-owner-read", "bucket-owner-full-control"}))
        ->type_name("NAME")
        ->group("New objects");
    // Not checked: stores name classes of their own (radosgw's are chosen by whoever set it up).
    app.add_option("--storage-class", options.storage_class, "else the source's")
        ->type_name("CLASS")
        ->group("New objects");
    app.add_option("--sse", options.encryption, "else what the bucket does by default")
        ->check(one_of({"AES256", "aws:kms", "aws:kms:dsse"}))
        ->type_name("AES256|aws:kms|aws:kms:dsse")
        ->group("New objects");
    app.add_option("--sse-kms-key-id", options.kms_key_id, "key for aws:kms")->type_name("ID")->group("New objects");
}

}  // namespace dray
