#include "quirks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <latch>
#include <thread>

#include "client.h"
#include "digest.h"
#include "server.h"

namespace dray::model {
namespace {

// What a store does with one key: "" refused, else the key it keeps.
std::string kept(const Quirks& quirks, std::string key) {
    return stored_key(quirks, key) ? key : "";
}

TEST(Quirks, StoresAliasKeepOrRefuseOddKeysAsMeasured) {
    EXPECT_EQ(kept(Quirks::strict(), "a//b"), "a//b");
    EXPECT_EQ(kept(Quirks::radosgw(), "/lead/../x"), "/lead/../x");
    EXPECT_EQ(kept(Quirks::seaweedfs(), "a//b"), "a/b");
    EXPECT_EQ(kept(Quirks::seaweedfs(), "/lead"), "lead");
    EXPECT_EQ(kept(Quirks::seaweedfs(), "./x"), "");
    EXPECT_EQ(kept(Quirks::versitygw(), "./x"), "x");
    EXPECT_EQ(kept(Quirks::versitygw(), "k/../x"), "x");
    EXPECT_EQ(kept(Quirks::versitygw(), "../x"), "");
    EXPECT_EQ(kept(Quirks::minio(), "a//b"), "");
    EXPECT_EQ(kept(Quirks::minio(), "/lead"), "lead");
    EXPECT_EQ(kept(Quirks::minio(), std::string(256, 'x')), "");
    EXPECT_EQ(kept(Quirks::seaweedfs(), "dir/"), "dir/");
}

struct Honours {
    bool put, copy_source, copy_target, complete, del, batch;
};

// Tries each condition with a value that must stop it, and looks at the effect, not the status.
Honours try_conditions(const Quirks& quirks) {
    const auto server = ModelS3::start({.quirks = quirks});
    Client client(server->port());
    Honours found{};
    auto old = [&] { server->seed("box", "t", "old"); };
    auto kept_old = [&] { return server->body("box", "t") == "old"; };
    server->seed("box", "s", "new");
    old();
    client.send("PUT", "/box/t", "new", {{"if-none-match", "*"}});
    found.put = kept_old();
    old();
    client.send("PUT", "/box/t", "", {{"x-amz-copy-source", "/box/s"}, {"x-amz-copy-source-if-match", "\"wrong\""}});
    found.copy_source = kept_old();
    old();
    client.send("PUT", "/box/t", "", {{"x-amz-copy-source", "/box/s"}, {"if-none-match", "*"}});
    found.copy_target = kept_old();
    old();
    client.send("POST", "/box/t?uploads");
    const std::string id = server->uploads("box").at(0).id;
    const std::string etag = client.send("PUT", "/box/t?partNumber=1&uploadId=" + id, "new").header("etag");
    client.send("POST", "/box/t?uploadId=" + id,
                "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>" + etag +
                    "</ETag></Part></CompleteMultipartUpload>",
                {{"if-none-match", "*"}});
    found.complete = kept_old();
    old();
    client.send("DELETE", "/box/t", "", {{"if-match", "\"wrong\""}});
    found.del = server->exists("box", "t");
    old();
    const std::string batch = "<Delete><Object><Key>t</Key><ETag>wrong</ETag></Object></Delete>";
    client.send("POST", "/box?delete", batch, {{"content-md5", to_base64(digest(Hash::md5, batch))}});
    found.batch = server->exists("box", "t");
    return found;
}

void expect_honours(const Quirks& quirks, const Honours& expected) {
    SCOPED_TRACE(quirks.name);
    const Honours found = try_conditions(quirks);
    EXPECT_EQ(found.put, expected.put);
    EXPECT_EQ(found.copy_source, expected.copy_source);
    EXPECT_EQ(found.copy_target, expected.copy_target);
    EXPECT_EQ(found.complete, expected.complete);
    EXPECT_EQ(found.del, expected.del);
    EXPECT_EQ(found.batch, expected.batch);
}

TEST(Quirks, EachModeHonoursTheConditionsOfItsServerAndNoOther) {
    expect_honours(Quirks::strict(), {true, true, true, true, true, true});
    expect_honours(Quirks::seaweedfs(), {true, true, true, true, true, true});
    expect_honours(Quirks::radosgw(), {true, false, false, false, false, false});
    expect_honours(Quirks::versitygw(), {true, true, false, true, true, false});
    expect_honours(Quirks::minio(), {true, true, false, true, false, false});
    expect_honours(Quirks::ignores(), {false, true, false, false, false, false});
    expect_honours(Quirks::races(), {true, true, true, true, true, true});
}

TEST(Quirks, RadosgwKeepsNoChecksumsTakesWrongOnesAndRefusesClasses) {
    const auto server = ModelS3::start({.quirks = Quirks::radosgw()});
    Client client(server->port());
    server->make_bucket("box");
    EXPECT_EQ(client.send("PUT", "/box/a", "v", {{"x-amz-checksum-crc32", "AAAAAA=="}}).status, 200);
    EXPECT_EQ(server->props("box", "a").checksum, "");
    EXPECT_EQ(client.send("PUT", "/box/a", "v", {{"x-amz-storage-class", "STANDARD_IA"}}).status, 400);
    EXPECT_EQ(client.send("GET", "/box/a?attributes", "", {{"x-amz-object-attributes", "ETag"}}).status, 500);
}

TEST(Quirks, SeaweedLosesFolderBodiesMangledMetadataAndForgivesPayloadHashes) {
    const auto server = ModelS3::start({.quirks = Quirks::seaweedfs()});
    Client client(server->port());
    server->make_bucket("box");
    client.send("PUT", "/box/dir/", "body", {{"x-amz-meta-m", "\xC3\x9C"}});
    EXPECT_EQ(server->body("box", "dir/"), "");
    EXPECT_EQ(server->props("box", "dir/").meta.at("m"), "\xC3\x83\xC2\x9C");
    client.content_sha256 = std::string(64, '0');
    EXPECT_EQ(client.send("PUT", "/box/a", "v").status, 200);
}

TEST(Quirks, VersitygwKeepsAFileAndItsFolderApartByRefusingOne) {
    const auto server = ModelS3::start({.quirks = Quirks::versitygw()});
    Client client(server->port());
    server->make_bucket("box");
    EXPECT_EQ(client.send("PUT", "/box/both/child", "v").status, 200);
    EXPECT_EQ(client.send("PUT", "/box/both", "v").status, 409);
    EXPECT_EQ(client.send("PUT", "/box/dir/", "v").status, 400);
    client.send("PUT", "/box/a", "v", {{"x-amz-storage-class", "STANDARD_IA"}});
    EXPECT_EQ(client.send("HEAD", "/box/a").header("x-amz-storage-class"), "");
}

TEST(Quirks, OpaqueEtagsSayNothingAboutTheBytes) {
    Quirks quirks;
    quirks.etags = Quirks::Etags::opaque;
    const auto server = ModelS3::start({.quirks = quirks});
    Client client(server->port());
    server->make_bucket("box");
    client.send("PUT", "/box/a", "v");
    client.send("PUT", "/box/b", "v");
    client.send("PUT", "/box/c", "", {{"x-amz-copy-source", "/box/a"}});
    EXPECT_NE(server->object("box", "a")->etag, server->object("box", "b")->etag);
    EXPECT_NE(server->object("box", "a")->etag, server->object("box", "c")->etag);
}

TEST(Quirks, CreatorsThatRaceAllWinWhereTheStoreLooksFirstAndWritesLater) {
    for (const Quirks& quirks : {Quirks::strict(), Quirks::races()}) {
        const auto server = ModelS3::start({.quirks = quirks});
        server->make_bucket("box");
        std::array<int, 3> statuses{};
        std::latch start(3);
        std::vector<std::thread> racers;
        for (int& status : statuses) {
            racers.emplace_back([&] {
                Client client(server->port());
                start.arrive_and_wait();
                status = client.send("PUT", "/box/a", "v", {{"if-none-match", "*"}}).status;
            });
        }
        for (std::thread& racer : racers)
            racer.join();
        const auto winners = std::count(statuses.begin(), statuses.end(), 200);
        EXPECT_EQ(winners > 1, quirks.creation_gap_ms > 0) << winners;
        EXPECT_GE(winners, 1);
        EXPECT_EQ(Client(server->port()).send("PUT", "/box/a", "v", {{"if-none-match", "*"}}).status, 412);
    }
}

TEST(Quirks, OnlyKnownModesHaveNames) {
    Quirks quirks;
    EXPECT_TRUE(Quirks::by_name("minio", quirks));
    EXPECT_EQ(quirks.name, "minio");
    EXPECT_FALSE(Quirks::by_name("unknown", quirks));
}

}  // namespace
}  // namespace dray::model
