#include "s3/credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/file.h"
#include "base/temp_directory.h"
#include "s3/ini.h"

namespace dray::s3 {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Home {
    TempDirectory directory;
    std::map<std::string, std::string> variables{{"HOME", directory.path()}};

    Home() { CHECK(make_directories(directory.path() + "/.aws").has_value()); }
    void write(const std::string& name, std::string_view text) const {
        CHECK(write_file_atomically(directory.path() + "/.aws/" + name, text).has_value());
    }
    Environment env() const {
        return [this](const std::string& name) -> std::optional<std::string> {
            auto found = variables.find(name);
            return found == variables.end() ? std::nullopt : std::optional(found->second);
        };
    }
};

TEST(Credentials, ComeFromTheEnvironmentFirst) {
    Home home;
    home.write("credentials", "[default]\naws_access_key_id = FILE\naws_secret_access_key = filesecret\n");
    home.variables["AWS_ACCESS_KEY_ID"] = "ENV";
    home.variables["AWS_SECRET_ACCESS_KEY"] = "envsecret";
    home.variables["AWS_SESSION_TOKEN"] = "token";
    auto profile = load_profile(home.env(), "");
    ASSERT_TRUE(profile);
    auto source = find_credentials(home.env(), *profile);
    ASSERT_TRUE(source);
    auto credentials = (*source)->get({});
    ASSERT_TRUE(credentials);
    EXPECT_EQ(credentials->access_key, "ENV");
    EXPECT_EQ(credentials->session_token, "token");
}

TEST(Credentials, ComeFromTheProfileWithTheSettingsBesideIt) {
    Home home;
    home.write("credentials",
               "# mine\n[archive]\naws_access_key_id=AK\naws_secret_access_key = se/cr+et== ; a comment\n");
    home.write("config",
               "[default]\nregion = us-west-2\n\n[profile archive]\nregion = eu-west-1\nservices = store\n"
               "s3 =\n    addressing_style = path\n    max_concurrent_requests = 20\nca_bundle=/etc/ca.pem\n"
               "endpoint_url = https://general.example.org\n"
               "[services store]\ns3 =\n  endpoint_url = https://s3.example.org\ndynamodb =\n  endpoint_url = x\n");
    home.variables["AWS_PROFILE"] = "archive";
    auto profile = load_profile(home.env(), "");
    ASSERT_TRUE(profile) << profile.error().message;
    EXPECT_EQ(profile->name, "archive");
    EXPECT_EQ(profile->region, "eu-west-1");
    EXPECT_EQ(profile->endpoint_url, "https://s3.example.org");
    EXPECT_EQ(profile->addressing, "path");
    EXPECT_EQ(profile->ca_bundle, "/etc/ca.pem");
    ASSERT_TRUE(profile->credentials);
    EXPECT_EQ(profile->credentials->secret_key, "se/cr+et==");

    auto other = load_profile(home.env(), "default");
    ASSERT_TRUE(other);
    EXPECT_EQ(other->region, "us-west-2");
    EXPECT_FALSE(other->credentials);
}

TEST(Credentials, ThatAreNowhereNameEveryPlaceLookedAt) {
    Home home;
    auto profile = load_profile(home.env(), "");
    ASSERT_TRUE(profile);
    auto source = find_credentials(home.env(), *profile);
    ASSERT_FALSE(source);
    EXPECT_EQ(source.error().code, Code::credentials);
    EXPECT_TRUE(source.error().fatal);
    for (std::string_view place :
         {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "default", "/.aws/credentials", "/.aws/config"}) {
        EXPECT_THAT(source.error().message, HasSubstr(std::string(place)));
    }
}

TEST(Credentials, OfAProfileThatIsNotThereAreAnError) {
    Home home;
    home.write("credentials", "[default]\naws_access_key_id = FILE\naws_secret_access_key = filesecret\n");
    auto profile = load_profile(home.env(), "typo");
    ASSERT_FALSE(profile);
    EXPECT_EQ(profile.error().code, Code::credentials);
    EXPECT_THAT(profile.error().message, HasSubstr("typo"));
}

TEST(Credentials, HalfAKeyIsNotPassedOver) {
    Home home;
    home.write("credentials", "[default]\naws_access_key_id = FILE\naws_secret_access_key = filesecret\n");
    home.variables["AWS_ACCESS_KEY_ID"] = "ENV";
    auto source = find_credentials(home.env(), *load_profile(home.env(), ""));
    ASSERT_FALSE(source);
    EXPECT_THAT(source.error().message, HasSubstr("AWS_SECRET_ACCESS_KEY is not set"));
}

// H09.
TEST(Credentials, OfAProfileAreReadAgainWhenTheyExpired) {
    Home home;
    home.write("credentials", "[default]\naws_access_key_id=AK\naws_secret_access_key=S\naws_session_token=old\n");
    auto source = find_credentials(home.env(), *load_profile(home.env(), ""));
    ASSERT_TRUE(source);
    auto old = *(*source)->get({});
    auto none = (*source)->renew({}, old);
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code, Code::credentials);
    EXPECT_TRUE(none.error().fatal);

    home.write("credentials", "[default]\naws_access_key_id=AK\naws_secret_access_key=S\naws_session_token=new\n");
    auto renewed = (*source)->renew({}, old);
    ASSERT_TRUE(renewed);
    EXPECT_EQ(renewed->session_token, "new");
    EXPECT_EQ((*source)->get({})->session_token, "new");
    EXPECT_EQ((*source)->renew({}, old)->session_token, "new") << "somebody else renewed them already";
}

// S05.
TEST(Credentials, AreNeverInMessages) {
    Home home;
    home.write("credentials", "[default]\naws_access_key_id = AK\nhunter2hunter2\n");
    auto profile = load_profile(home.env(), "");
    ASSERT_FALSE(profile);
    EXPECT_EQ(profile.error().code, Code::invalid);
    EXPECT_THAT(profile.error().message, HasSubstr("credentials:3: "));
    EXPECT_THAT(profile.error().message, Not(HasSubstr("hunter2")));
}

TEST(Ini, NamesTheLineThatIsWrong) {
    EXPECT_THAT(parse_ini("[a\nx=1", "f").error().message, HasSubstr("f:1: "));
    EXPECT_THAT(parse_ini("x = 1", "f").error().message, HasSubstr("f:1: "));
    EXPECT_THAT(parse_ini("[a]\n\n = 1", "f").error().message, HasSubstr("f:3: "));
}

TEST(Ini, KeepsHashesInsideValues) {
    auto ini = parse_ini("[a]\r\nx = a#b;c\r\ny = v # note\r\n; whole line\r\n", "f");
    ASSERT_TRUE(ini);
    EXPECT_EQ((*ini)["a"]["x"], "a#b;c");
    EXPECT_EQ((*ini)["a"]["y"], "v");
}

}  // namespace
}  // namespace dray::s3
