// From libcurl's verdict to ours.
#pragma once

#include "http/transfer.h"

namespace dray::http {

// Sets fault, phase and detail of transfer.exchange. `easy`: the CURL handle, still attached; `code`: a CURLcode;
// `words`: libcurl's own, may be empty.
void conclude(void* easy, int code, const char* words, Transfer& transfer);

}  // namespace dray::http
