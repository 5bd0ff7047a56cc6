// Fault: one scripted rule. Rules are tried in the order they were given; the first that matches and is not used up
// acts on the request. A request whose signature is wrong is refused before any rule but `close_before_reading` and
// `close_in_request`.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace dray::model {

struct Answer;
struct Request;

// What a hook sees. Valid for the call.
struct Call {
    std::string operation;
    std::string bucket, key;
    const Request& request;
};

enum class Act {
    none,                  // only headers, delay, hooks and the `answer` shapes below apply
    answer,                // not done; answered with status, code, body
    answer_early,          // as `answer`, sent before the request's body is read; the connection ends
    answer_instead,        // done, but answered with status, code, body
    close_before_reading,  // the connection ends when the head is there
    close_in_request,      // ... after `bytes` of the request's body
    close_before_effect,   // read whole, not done, no answer
    close_after_effect,    // done, no answer
    close_in_answer,       // done; the connection ends after `bytes` of the answer's body
    cut_answer,            // done; the body of the answer is cut to `bytes`, correctly framed
    late_effect,           // no answer now, the connection ends; done when land_late() is called
    late_effect_answered,  // answered as if by `answer`; done when land_late() is called
    twice,                 // done twice, as by a repeating transport; answered with the second result
    stall,                 // read whole, not done, never answered
    stall_after_effect,    // done, never answered
    pause,                 // done; nothing is sent for delay_ms after `bytes` of the answer's body
    trickle,               // done; the answer's body comes `bytes` each delay_ms
    drip,                  // done; 200 and white space for delay_ms, then the result, or `body` or `code` if given
    drip_then_close,       // done; 200 and white space for delay_ms, then the connection ends
    flip_answer_bit,       // done; bit number `bytes` of the answer's body is flipped, counted from its start
    flip_request_bit,      // bit number `bytes` of the request's body is flipped before the signature is checked
    raw,                   // not done; `body` is the whole answer, status line and all; then the connection ends
    // Listings.
    same_token,    // NextContinuationToken is the token of the request (for ever the same page)
    repeat_page,   // the page before this one again, with a token of its own
    empty_page,    // no keys, IsTruncated, a token that goes on at the same place
    no_token,      // IsTruncated without a token
    refuse_token,  // 400 InvalidArgument where the request has a token; others pass uncounted
};

struct Fault {
    // Which requests.
    std::string operation;  // "PutObject", ...; "" any
    std::string bucket;     // exact; "" any
    std::string key;        // substring of the key, or of a listing's prefix; "" any
    int skip = 0;           // this many matching requests pass first
    int count = 1;          // then this many are acted on; -1: all
    int percent = 100;      // of those, this share, evenly spread

    // What happens.
    Act act = Act::none;
    int status = 503;
    std::string code;  // makes an <Error> body when `body` is empty
    std::string message;
    std::string body;      // of the answer; wins over `code`
    bool has_body = true;  // false: an empty body, whatever `code` says
    std::int64_t bytes = 0;
    std::int64_t delay_ms = 0;  // before the answer; for pause, trickle and drip see there
    bool reset = false;         // end connections by RST
    std::vector<std::pair<std::string, std::string>> headers;  // replaced in the answer; an empty value removes
    // Called without locks, from a server thread; may use the server.
    std::function<void(const Call&)> before_effect;
    std::function<void(const Call&, Answer&)> after_effect;
};

}  // namespace dray::model
