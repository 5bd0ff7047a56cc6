#include "chunks.h"

#include <algorithm>
#include <cstdlib>

namespace dray::model {

ChunkDecoder::State ChunkDecoder::feed(std::string& in) {
    std::size_t at = 0;
    State state = State::more;
    while (state == State::more && step(in, at, state)) {
    }
    in.erase(0, at);
    return state;
}

bool ChunkDecoder::step(const std::string& in, std::size_t& at, State& state) {
    if (left_ > 0) {
        const std::size_t n = std::min<std::size_t>(left_, in.size() - at);
        decoded.append(in, at, n);
        at += n;
        left_ -= n;
        if (left_ > 0) return false;
        after_data_ = true;
    }
    const std::size_t end = in.find("\r\n", at);
    if (end == std::string::npos) return false;
    const std::string line = in.substr(at, end - at);
    at = end + 2;
    if (after_data_) {
        after_data_ = false;
        if (!line.empty()) state = State::bad;
    } else if (in_trailer_) {
        if (line.empty()) state = State::done;
    } else {
        char* stop = nullptr;
        left_ = std::strtoull(line.c_str(), &stop, 16);
        if (stop == line.c_str() || (*stop != '\0' && *stop != ';' && *stop != ' ')) state = State::bad;
        in_trailer_ = left_ == 0;
    }
    return true;
}

}  // namespace dray::model
