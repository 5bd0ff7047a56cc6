// KeyShape: what the keys of a listing look like, learned from those that were seen, so that a listing can be cut where
// keys are likely to be. It knows the bytes that were seen at each place behind the common prefix, and guesses at their
// like (digits beside a digit, letters beside a letter). A guess that is wrong costs a request, never a key.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dray {

class KeyShape {
public:
    // Keys all begin with `prefix`; cuts are at most `max_key_bytes` long.
    KeyShape(std::string prefix, std::size_t max_key_bytes);

    void learn(std::string_view key);
    // The same of a key that comes a little after one that was learned: what begins as that one does, up to where the
    // two part, has been told to its end.
    void learn(std::string_view before, std::string_view key);

    // How much of the keys, as a share of all that have this shape, lies strictly between `after` and `until` (nullptr:
    // to the end of the prefix). Both begin with the prefix; `after` may also be empty or lie before it.
    long double share(std::string_view after, const std::string* until) const;

    // A key strictly between the two, with about `left` of their share before it; nullopt: nothing known lies between.
    // It is made of bytes that were seen and of letters and digits, and is UTF-8 unless `after` is not.
    std::optional<std::string> cut(std::string_view after, const std::string* until, long double left) const;

private:
    // One place in keys.
    struct Place {
        std::array<bool, 256> seen{};
        std::uint8_t ends = 0;           // how often this place was told to its end
        std::array<float, 257> below{};  // weight of "the key ends here" and of all bytes less than this one
        void weigh();
        long double total() const { return below[256]; }
        long double weight(unsigned char byte) const;
    };
    // Keys that go on from `stem` with a byte in [first, last]; `scale` is the share of all keys below the stem.
    struct Span {
        std::size_t side = 0;  // 0: the stem is the beginning of `after`; 1: of `until`
        std::size_t stem = 0;  // its length
        int first = 0, last = 255;
        bool ends_here = false;  // the stem itself, as a key, counts too
        long double scale = 0, share = 0;
    };

    static constexpr std::uint8_t kEnoughEnds = 5;
    const Place& place(std::size_t at) const;
    long double share_in(const Span& span) const;
    std::vector<Span> spans(std::string_view after, const std::string* until) const;
    std::string descend(std::string stem, const Span& span, long double before, long double slack) const;

    const std::string prefix_;
    const std::size_t max_key_bytes_;
    std::vector<Place> places_;
    const Place unknown_;
};

}  // namespace dray
