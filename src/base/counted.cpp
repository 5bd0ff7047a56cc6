#include "base/counted.h"

namespace dray {

std::string with_commas(std::uint64_t number) {
    std::string digits = std::to_string(number);
    for (std::size_t at = digits.size(); at > 3;)
        digits.insert(at -= 3, ",");
    return digits;
}

std::string counted(std::uint64_t number, std::string_view noun) {
    return with_commas(number).append(" ").append(noun).append(number == 1 ? "" : "s");
}

}  // namespace dray
