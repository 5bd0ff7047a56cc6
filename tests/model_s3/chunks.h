// Chunked bodies of requests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace dray::model {

// Takes a Transfer-Encoding: chunked body apart as it comes.
class ChunkDecoder {
public:
    enum class State { more, done, bad };
    std::string decoded;

    // Consumes what it can from the front of `in`.
    State feed(std::string& in);

private:
    bool step(const std::string& in, std::size_t& at, State& state);

    std::uint64_t left_ = 0;
    bool after_data_ = false, in_trailer_ = false;
};

}  // namespace dray::model
