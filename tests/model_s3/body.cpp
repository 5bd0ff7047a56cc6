#include "body.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace dray::model {
namespace {

// A prime period, so that bytes moved by any round distance differ.
constexpr std::uint64_t kPeriod = 65521;

const std::array<char, kPeriod>& pattern_table() {
    static const auto table = [] {
        std::array<char, kPeriod> bytes{};
        std::uint32_t state = 2463534242U;
        for (char& byte : bytes) {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            byte = static_cast<char>(state >> 24);
        }
        return bytes;
    }();
    return table;
}

void read_pattern(std::uint64_t at, std::uint64_t size, char* out) {
    const auto& table = pattern_table();
    while (size > 0) {
        const std::uint64_t from = at % kPeriod;
        const std::uint64_t n = std::min(size, kPeriod - from);
        std::memcpy(out, table.data() + from, n);
        out += n;
        at += n;
        size -= n;
    }
}

}  // namespace

Body::Body(std::string_view text) {
    if (text.empty()) return;
    std::shared_ptr<char[]> bytes(new char[text.size()]);
    std::memcpy(bytes.get(), text.data(), text.size());
    *this = adopt(std::move(bytes), text.size());
}

Body Body::adopt(std::shared_ptr<const char[]> bytes, std::uint64_t size) {
    Body body;
    if (size > 0) body.slices_.push_back({std::move(bytes), 0, size});
    body.size_ = size;
    return body;
}

Body Body::pattern(std::uint64_t size, std::uint64_t offset) {
    Body body;
    if (size > 0) body.slices_.push_back({nullptr, offset, size});
    body.size_ = size;
    return body;
}

bool Body::is_pattern() const {
    return std::any_of(slices_.begin(), slices_.end(), [](const Slice& slice) { return slice.bytes == nullptr; });
}

Body Body::sub(std::uint64_t offset, std::uint64_t size) const {
    Body part;
    for (const Slice& slice : slices_) {
        if (size == 0) break;
        if (offset >= slice.size) {
            offset -= slice.size;
            continue;
        }
        const std::uint64_t n = std::min(size, slice.size - offset);
        part.slices_.push_back({slice.bytes, slice.offset + offset, n});
        part.size_ += n;
        size -= n;
        offset = 0;
    }
    return part;
}

void Body::append(const Body& other) {
    slices_.insert(slices_.end(), other.slices_.begin(), other.slices_.end());
    size_ += other.size_;
}

void Body::read(std::uint64_t offset, std::uint64_t size, char* out) const {
    for (const Slice& slice : slices_) {
        if (size == 0) return;
        if (offset >= slice.size) {
            offset -= slice.size;
            continue;
        }
        const std::uint64_t n = std::min(size, slice.size - offset);
        if (slice.bytes) {
            std::memcpy(out, slice.bytes.get() + slice.offset + offset, n);
        } else {
            read_pattern(slice.offset + offset, n, out);
        }
        out += n;
        size -= n;
        offset = 0;
    }
}

std::string_view Body::run_at(std::uint64_t offset) const {
    for (const Slice& slice : slices_) {
        if (offset < slice.size) {
            if (!slice.bytes) return {};
            return {slice.bytes.get() + slice.offset + offset, slice.size - offset};
        }
        offset -= slice.size;
    }
    return {};
}

std::string Body::str() const {
    std::string text(size_, '\0');
    read(0, size_, text.data());
    return text;
}

}  // namespace dray::model
