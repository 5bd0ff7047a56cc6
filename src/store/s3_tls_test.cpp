// The S3 store over TLS, against the model server with certificates of the tests' own (rows H43, H44).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/checksum.h"
#include "base/file.h"
#include "model_s3/certs.h"
#include "model_s3/server.h"
#include "store/body.h"
#include "store/model_store_test.h"
#include "store/retry_store.h"
#include "store/test_dir.h"

namespace dray {
namespace {

using model::Act;
using model::Certificate;
using model::make_certificate;
using model::ModelS3;
using testing::HasSubstr;

class S3OverTls : public testing::Test {
protected:
    std::string file(const std::string& name, const std::string& text) {
        const std::string path = directory_.path() + "/" + name;
        EXPECT_TRUE(write_file_atomically(path, text));
        return path;
    }
    void serve(const Certificate& certificate, bool trace = false) {
        server = ModelS3::start({.tls_cert = file("server.pem", certificate.cert),
                                 .tls_key = file("server.key", certificate.key),
                                 .trace = trace});
        server->make_bucket("raw");
    }
    // With retries, which must not be spent on a certificate.
    std::unique_ptr<ObjectStore> client() { return std::make_unique<RetryStore>(store_at(*server, bundle)); }
    // What a client is told by a server with this certificate, after exactly one connection.
    std::string refused(const Certificate& certificate) {
        serve(certificate);
        auto page = client()->list({}, {.bucket = "raw"});
        EXPECT_FALSE(page);
        if (page) return {};
        EXPECT_EQ(page.error().code, Code::unavailable);
        EXPECT_TRUE(page.error().fatal);
        EXPECT_EQ(server->stats().connections, 1u) << "one handshake";
        EXPECT_EQ(server->stats().total, 0u) << "nothing was sent";
        return page.error().message;
    }

    TestDir directory_;
    const Certificate authority = make_certificate({});
    const Certificate good = make_certificate({.host = "127.0.0.1", .issuer = &authority});
    const std::string bundle = file("ca.pem", authority.cert);
    std::unique_ptr<ModelS3> server;
    Context ctx;
};

TEST_F(S3OverTls, SendsBodiesUnsignedAndEachWithAChecksumOfItsOwn) {
    serve(good, /*trace=*/true);
    auto store = client();
    ASSERT_TRUE(store->put(ctx, {"raw", "a"}, "bytes"));
    EXPECT_EQ(*get_whole(ctx, *store, {"raw", "a"}), "bytes");
    ASSERT_TRUE(store->copy(ctx, {"raw", "a"}, {"raw", "b"}, {}));
    auto upload = store->create_upload(ctx, {"raw", "big"}, {});
    ASSERT_TRUE(upload);
    auto part = store->upload_part(ctx, *upload, 1, *bytes_source("part"));
    ASSERT_TRUE(part) << part.error().message;
    ASSERT_TRUE(store->complete_upload(ctx, *upload, std::vector<Part>{*part}, {}));
    ASSERT_TRUE(store->remove_many(ctx, "raw", std::vector<RemoveItem>{{.key = "b"}}));
    EXPECT_THAT(server->keys("raw"), testing::ElementsAre("a", "big"));
    EXPECT_EQ(server->stats().refused, 0u);
    EXPECT_EQ(server->stats().connections, 1u);

    const Md5 digest = md5("part");
    int bodies = 0;
    for (const model::Seen& seen : server->trace()) {
        auto header = [&](const char* name) {
            auto found = seen.headers.find(name);
            return found == seen.headers.end() ? std::string() : found->second;
        };
        if (seen.operation == "PutObject") {
            ++bodies;
            EXPECT_EQ(header("x-amz-content-sha256"), "UNSIGNED-PAYLOAD");
            EXPECT_NE(header("x-amz-checksum-crc64nvme"), "");
        } else if (seen.operation == "UploadPart") {
            ++bodies;
            EXPECT_EQ(header("x-amz-content-sha256"), "UNSIGNED-PAYLOAD");
            EXPECT_EQ(header("content-md5"), base64({reinterpret_cast<const char*>(digest.data()), digest.size()}));
        }
    }
    EXPECT_EQ(bodies, 2);
}

TEST_F(S3OverTls, RefusesACertificateThatHasExpired) {
    auto expired = make_certificate({.host = "127.0.0.1", .first_day = -9, .last_day = -2, .issuer = &authority});
    EXPECT_THAT(refused(expired), HasSubstr("certificate has expired"));
}

TEST_F(S3OverTls, RefusesACertificateThatIsNotValidYet) {
    auto early = make_certificate({.host = "127.0.0.1", .first_day = 2, .last_day = 9, .issuer = &authority});
    EXPECT_THAT(refused(early), HasSubstr("certificate is not yet valid"));
}

TEST_F(S3OverTls, RefusesACertificateThatSignedItself) {
    EXPECT_THAT(refused(make_certificate({.host = "127.0.0.1"})), HasSubstr("self-signed certificate"));
}

TEST_F(S3OverTls, RefusesTheCertificateOfAnotherHost) {
    EXPECT_THAT(refused(make_certificate({.host = "s3.example.org", .issuer = &authority})), HasSubstr("127.0.0.1"));
}

TEST_F(S3OverTls, RefusesAnAuthorityThatIsNotInTheBundle) {
    const Certificate stranger = make_certificate({.authority = "a stranger"});
    const std::string why = refused(make_certificate({.host = "127.0.0.1", .issuer = &stranger}));
    EXPECT_THAT(why, HasSubstr("unable to get local issuer certificate"));
    EXPECT_THAT(why, HasSubstr("--ca-bundle"));
}

TEST_F(S3OverTls, RefusesAnAuthorityThatOnlyHasTheNameOfOneInTheBundle) {
    const Certificate impostor = make_certificate({});
    EXPECT_THAT(refused(make_certificate({.host = "127.0.0.1", .issuer = &impostor})),
                HasSubstr("not signed by the authority that it names"));
}

TEST_F(S3OverTls, NamesABundleThatCannotBeRead) {
    serve(good);
    auto page = store_at(*server, directory_.path() + "/nothing.pem")->list(ctx, {.bucket = "raw"});
    ASSERT_FALSE(page);
    EXPECT_EQ(page.error().code, Code::local);
    EXPECT_THAT(page.error().message, HasSubstr("/nothing.pem"));
}

TEST_F(S3OverTls, GoesOnWhereAnAnswerBrokeOff) {
    serve(good);
    std::string body(1 << 20, 'x');
    for (std::size_t i = 0; i < body.size(); ++i)
        body[i] = static_cast<char>('a' + i % 23);
    auto store = client();
    auto made = store->put(ctx, {"raw", "a"}, body);
    ASSERT_TRUE(made);
    for (bool reset : {false, true}) {
        server->reset_stats();
        server->script({.operation = "GetObject", .act = Act::close_in_answer, .bytes = 300'000, .reset = reset});
        auto got = get_whole(ctx, *store, {"raw", "a"}, {.if_match = made->etag});
        ASSERT_TRUE(got) << got.error().message;
        EXPECT_EQ(*got, body);
        EXPECT_EQ(server->stats().of("GetObject"), 2u);
    }
}

TEST_F(S3OverTls, DoesNotKnowWhatBecameOfAChangeWhoseAnswerBrokeOff) {
    serve(good);
    server->seed("raw", "a", std::string_view("v"));
    auto store = client();
    for (bool reset : {false, true}) {
        server->reset_stats();
        server->script({.operation = "CopyObject", .act = Act::close_after_effect, .reset = reset});
        auto copied = store->copy(ctx, {"raw", "a"}, {"raw", "b"}, {});
        ASSERT_FALSE(copied);
        EXPECT_TRUE(copied.error().unsure);
        EXPECT_EQ(server->stats().of("CopyObject"), 1u);
    }
}

TEST_F(S3OverTls, ManyConnectionsTrustTheSameAuthorities) {
    serve(good);
    auto store = client();
    std::vector<std::thread> workers;
    for (int w = 0; w < 16; ++w) {
        workers.emplace_back([&, w] {
            for (int i = 0; i < 5; ++i)
                EXPECT_TRUE(store->put({}, {"raw", std::to_string(w) + "/" + std::to_string(i)}, "v"));
        });
    }
    for (auto& worker : workers)
        worker.join();
    EXPECT_EQ(server->keys("raw").size(), 80u);
    EXPECT_LE(server->stats().connections, 16u);
}

}  // namespace
}  // namespace dray
