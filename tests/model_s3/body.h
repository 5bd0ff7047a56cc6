// Body: the bytes of an object, immutable and shared, so that a copy costs nothing and a multipart object is the list
// of its parts. A pattern body has a size and no memory: bytes come from their position, so 5 TiB can be seeded.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace dray::model {

class Body {
public:
    struct Slice {
        std::shared_ptr<const char[]> bytes;  // null: pattern
        std::uint64_t offset = 0;             // into `bytes`, or the position in the pattern
        std::uint64_t size = 0;
    };

    Body() = default;
    Body(std::string_view text);  // NOLINT(google-explicit-constructor): a body is often written as a literal
    Body(const char* text) : Body(std::string_view(text)) {}
    Body(const std::string& text) : Body(std::string_view(text)) {}
    static Body adopt(std::shared_ptr<const char[]> bytes, std::uint64_t size);
    // `size` bytes of the pattern, beginning at `offset` of it.
    static Body pattern(std::uint64_t size, std::uint64_t offset = 0);

    std::uint64_t size() const { return size_; }
    bool is_pattern() const;  // holds at least one pattern slice
    Body sub(std::uint64_t offset, std::uint64_t size) const;
    void append(const Body& other);
    // Copies [offset, offset + size) to `out`; the range must lie inside.
    void read(std::uint64_t offset, std::uint64_t size, char* out) const;
    // The longest run of contiguous memory at `offset`; empty for a pattern.
    std::string_view run_at(std::uint64_t offset) const;
    std::string str() const;
    // Calls f(std::string_view) over all bytes in order.
    template <typename F>
    void for_each(F f) const;
    const std::vector<Slice>& slices() const { return slices_; }

private:
    std::vector<Slice> slices_;
    std::uint64_t size_ = 0;
};

template <typename F>
void Body::for_each(F f) const {
    constexpr std::uint64_t kStep = 256 * 1024;
    std::string scratch;
    for (std::uint64_t at = 0; at < size_;) {
        std::string_view run = run_at(at);
        if (run.empty()) {
            scratch.resize(size_ - at < kStep ? size_ - at : kStep);
            read(at, scratch.size(), scratch.data());
            run = scratch;
        }
        f(run);
        at += run.size();
    }
}

}  // namespace dray::model
