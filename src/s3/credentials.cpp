#include "s3/credentials.h"

#include <cstdlib>
#include <mutex>
#include <utility>

#include "base/file.h"
#include "base/log.h"
#include "s3/ini.h"

namespace dray::s3 {
namespace {

constexpr std::uint64_t kMaxFile = std::uint64_t{4} << 20;  // bytes of an AWS file

Error no_newer(const Credentials& stale) {
    return {.code = Code::credentials,
            .message = "the credentials from " + stale.source +
                       " have expired, and there are no newer ones; renew them "
                       "there, then resume",
            .fatal = true};
}

bool same(const Credentials& a, const Credentials& b) {
    return a.access_key == b.access_key && a.secret_key == b.secret_key && a.session_token == b.session_token;
}

class FixedCredentials : public CredentialSource {
public:
    explicit FixedCredentials(Credentials credentials) : credentials_(std::move(credentials)) {}
    Result<Credentials> get(const Context&) override { return credentials_; }
    Result<Credentials> renew(const Context&, const Credentials& stale) override {
        if (!same(stale, credentials_)) return credentials_;
        return no_newer(stale);
    }

private:
    const Credentials credentials_;
};

// The keys of a profile. The files are read again when the store calls the keys expired.
class ProfileCredentials : public CredentialSource {
public:
    ProfileCredentials(Environment env, std::string name, Credentials credentials)
        : env_(std::move(env)), name_(std::move(name)), credentials_(std::move(credentials)) {}
    Result<Credentials> get(const Context&) override {
        std::lock_guard lock(mutex_);
        return credentials_;
    }
    Result<Credentials> renew(const Context&, const Credentials& stale) override {
        std::lock_guard lock(mutex_);  // held while reading: one reads, the others wait for what it found
        if (!same(stale, credentials_)) return credentials_;
        TRY_LET(profile, load_profile(env_, name_));
        if (!profile.credentials || same(*profile.credentials, stale)) return no_newer(stale);
        credentials_ = *profile.credentials;
        return credentials_;
    }

private:
    const Environment env_;
    const std::string name_;
    std::mutex mutex_;
    Credentials credentials_;
};

struct File {
    std::string path;
    Ini ini;
    bool present = false;
};

Result<File> load(const Environment& env, const std::string& variable, std::string_view usual) {
    File file;
    if (auto path = env(variable); path && !path->empty()) {
        file.path = *path;
    } else if (auto home = env("HOME"); home && !home->empty()) {
        file.path = *home + std::string(usual);
    } else {
        file.path = "~" + std::string(usual);
        return file;
    }
    auto text = read_file(file.path, kMaxFile);
    if (!text && text.error().code == Code::not_found) return file;
    if (!text) return std::move(text).error();
    TRY_LET(ini, parse_ini(*text, file.path));
    file.ini = std::move(ini);
    file.present = true;
    return file;
}

using Section = std::map<std::string, std::string>;

const Section* section(const Ini& ini, const std::string& name) {
    auto found = ini.find(name);
    return found == ini.end() ? nullptr : &found->second;
}

std::string value(const Section* section, const std::string& name) {
    if (!section) return {};
    auto found = section->find(name);
    return found == section->end() ? std::string() : found->second;
}

std::optional<Credentials> keys_of(const Section* section, const std::string& source) {
    Credentials credentials{.access_key = value(section, "aws_access_key_id"),
                            .secret_key = value(section, "aws_secret_access_key"),
                            .session_token = value(section, "aws_session_token"),
                            .source = source};
    if (credentials.access_key.empty() || credentials.secret_key.empty()) return std::nullopt;
    return credentials;
}

std::optional<std::string> set(const Environment& env, const std::string& name) {
    auto value = env(name);
    return value && !value->empty() ? value : std::nullopt;
}

}  // namespace

std::unique_ptr<CredentialSource> fixed_credentials(Credentials credentials) {
    return std::make_unique<FixedCredentials>(std::move(credentials));
}

Environment process_environment() {
    return [](const std::string& name) -> std::optional<std::string> {
        const char* value = std::getenv(name.c_str());
        return value ? std::optional<std::string>(value) : std::nullopt;
    };
}

Result<Profile> load_profile(const Environment& env, const std::string& name) {
    Profile profile{.name = name};
    bool named = !name.empty();
    if (!named) {
        auto chosen = set(env, "AWS_PROFILE");
        named = chosen.has_value();
        profile.name = chosen.value_or("default");
    }
    TRY_LET(config, load(env, "AWS_CONFIG_FILE", "/.aws/config"));
    TRY_LET(keys, load(env, "AWS_SHARED_CREDENTIALS_FILE", "/.aws/credentials"));
    profile.looked_at =
        keys.path + (keys.present ? "" : " (not there)") + ", " + config.path + (config.present ? "" : " (not there)");

    const Section* settings = section(config.ini, "profile " + profile.name);
    if (!settings && profile.name == "default") settings = section(config.ini, "default");
    const Section* secrets = section(keys.ini, profile.name);
    if (!settings && !secrets && named) {
        return Error{.code = Code::credentials,
                     .message = "there is no profile " + in_quotes(profile.name) + " in " + profile.looked_at +
                                "; choose another (--aws-profile, AWS_PROFILE), or make it: aws configure --profile " +
                                profile.name,
                     .fatal = true};
    }

    profile.region = value(settings, "region");
    profile.ca_bundle = value(settings, "ca_bundle");
    profile.addressing = value(settings, "s3.addressing_style");
    auto services = value(settings, "services");
    if (!services.empty()) profile.endpoint_url = value(section(config.ini, "services " + services), "s3.endpoint_url");
    if (profile.endpoint_url.empty()) profile.endpoint_url = value(settings, "s3.endpoint_url");
    if (profile.endpoint_url.empty()) profile.endpoint_url = value(settings, "endpoint_url");
    profile.credentials = keys_of(secrets, "profile " + profile.name + " in " + keys.path);
    if (!profile.credentials) {
        profile.credentials = keys_of(settings, "profile " + profile.name + " in " + config.path);
    }
    return profile;
}

Result<std::unique_ptr<CredentialSource>> find_credentials(const Environment& env, const Profile& profile) {
    auto access = set(env, "AWS_ACCESS_KEY_ID"), secret = set(env, "AWS_SECRET_ACCESS_KEY");
    if (access && secret) {
        return fixed_credentials({.access_key = *access,
                                  .secret_key = *secret,
                                  .session_token = set(env, "AWS_SESSION_TOKEN").value_or(""),
                                  .source = "the environment"});
    }
    if (access || secret) {
        std::string missing = access ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID";
        return Error{.code = Code::credentials,
                     .message = "the environment holds half a key: " + missing + " is not set",
                     .fatal = true};
    }
    if (profile.credentials) {
        return std::unique_ptr<CredentialSource>(
            std::make_unique<ProfileCredentials>(env, profile.name, *profile.credentials));
    }
    return Error{.code = Code::credentials,
                 .message =
                     "no credentials: looked at AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment, "
                     "and at profile " +
                     in_quotes(profile.name) + " in " + profile.looked_at +
                     "; set the variables or run `aws configure`",
                 .fatal = true};
}

}  // namespace dray::s3
