#include "base/counted.h"

#include <gtest/gtest.h>

namespace dray {
namespace {

TEST(Counted, OneIsSingularAndThousandsHaveCommas) {
    EXPECT_EQ(counted(0, "object"), "0 objects");
    EXPECT_EQ(counted(1, "object"), "1 object");
    EXPECT_EQ(counted(999, "request"), "999 requests");
    EXPECT_EQ(counted(4990, "object"), "4,990 objects");
    EXPECT_EQ(with_commas(1234567), "1,234,567");
}

}  // namespace
}  // namespace dray
