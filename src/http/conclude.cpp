#include "http/conclude.h"

#include <curl/curl.h>

#include <system_error>

namespace dray::http {
namespace {

bool proxy_refused(CURL* easy) {
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &status);
    return status != 0 && status / 100 != 2;
}

// "Connection refused": libcurl leaves it out of its own words.
std::string system_words(CURL* easy) {
    long number = 0;
    curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &number);
    return number == 0 ? std::string() : std::generic_category().message(static_cast<int>(number));
}

Fault before_the_request(CURLcode code) {
    switch (code) {
        case CURLE_COULDNT_RESOLVE_HOST: return Fault::resolve;
        case CURLE_COULDNT_RESOLVE_PROXY:
        case CURLE_PROXY: return Fault::proxy;
        case CURLE_OPERATION_TIMEDOUT: return Fault::stalled;
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_ISSUER_ERROR:
        case CURLE_SSL_CRL_BADFILE:
        case CURLE_SSL_INVALIDCERTSTATUS: return Fault::tls_verify;
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_CERTPROBLEM:
        case CURLE_OUT_OF_MEMORY:
        case CURLE_FAILED_INIT: return Fault::local;
        case CURLE_URL_MALFORMAT:
        case CURLE_UNSUPPORTED_PROTOCOL: return Fault::unsendable;
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_SSL_CIPHER:
        case CURLE_USE_SSL_FAILED: return Fault::tls;
        default: return Fault::connect;
    }
}

Fault after_the_request(CURLcode code) {
    switch (code) {
        case CURLE_PARTIAL_FILE: return Fault::truncated;
        case CURLE_WEIRD_SERVER_REPLY:
        case CURLE_UNSUPPORTED_PROTOCOL:  // HTTP/0.9: no status line
        case CURLE_BAD_CONTENT_ENCODING:
        case CURLE_WRITE_ERROR: return Fault::malformed;  // ours are known already; what is left is a bad chunk
        case CURLE_OPERATION_TIMEDOUT: return Fault::stalled;
        case CURLE_OUT_OF_MEMORY: return Fault::local;
        default: return Fault::reset;  // SEND_ERROR, RECV_ERROR, GOT_NOTHING, TLS records
    }
}

}  // namespace

void conclude(void* easy, int code, const char* words, Transfer& transfer) {
    Exchange& exchange = transfer.exchange;
    auto result = static_cast<CURLcode>(code);
    long connects = 0;
    curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connects);
    exchange.reused_connection = transfer.request_begun() && connects == 0;

    if (result == CURLE_OK && !transfer.ended()) {
        if (transfer.headers_complete()) {
            exchange.phase = Phase::complete;
            return;
        }
        // libcurl takes an end in the middle of the headers for the end of an empty body.
        transfer.end(Fault::truncated, "the answer ended within its headers");
    }
    exchange.phase = transfer.phase();
    if (transfer.ended()) return;

    std::string detail = words[0] != '\0' ? words : curl_easy_strerror(result);
    if (auto system = system_words(easy); result == CURLE_COULDNT_CONNECT && !system.empty()) detail += ": " + system;
    if (exchange.phase != Phase::unsent) {
        Fault fault = after_the_request(result);
        // libcurl sees an orderly close, and repeats; a reset it does not. Both mean the same here.
        bool dead = fault == Fault::reset && exchange.phase == Phase::sent && exchange.reused_connection;
        // It wanted to repeat a body from a source, which we do not rewind for it.
        dead = dead || result == CURLE_SEND_FAIL_REWIND;
        return transfer.end(dead ? Fault::dead_connection : fault, detail);
    }
    // OpenSSL's words where the bundle has an authority of the right name, but with another key.
    if (result == CURLE_SSL_CONNECT_ERROR && detail.find("asn1 encoding routines") != std::string::npos) {
        return transfer.end(Fault::tls_verify, "SSL certificate problem: not signed by the authority that it names");
    }
    transfer.end(proxy_refused(easy) ? Fault::proxy : before_the_request(result), detail);
}

}  // namespace dray::http
