#include "tap-writer.h"

#include <errno.h>

#include "ethernet.h"

namespace wanbond {

int TapWriter::write(int fd, bool vnet, Vector<Descriptor> descriptors, const int32_t* selection, int count) {
  int written = 0;
  coalescer_.begin();
  for (int i = 0; i < count; i++) {
    const int32_t index = selection[i];
    uint8_t* data = nullptr;
    if (index >= 0 && size_t(index) < descriptors.count && descriptors.data[index].length >= kEthernetBytes) {
      data = pool_.at(descriptors.data[index].offset, descriptors.data[index].length);
    }
    if (data == nullptr) {
      stats_.badDescriptors++;
      continue;
    }
    coalescer_.add(data, descriptors.data[index].length, vnet);
    if (coalescer_.full()) written += flush(fd, vnet);
  }
  return written + flush(fd, vnet);
}

int TapWriter::flush(int fd, bool vnet) {
  int written = 0;
  for (int i = 0; i < coalescer_.groupCount(); i++) {
    const Coalescer::Group& group = coalescer_.group(i);
    if (writeGroup(fd, vnet, group)) {
      written += group.count;
      stats_.tapWrites++;
    } else {
      stats_.tapWriteRefused += uint64_t(group.count);
    }
  }
  stats_.tapWriteFrames += uint64_t(written);
  coalescer_.begin();
  return written;
}

bool TapWriter::writeGroup(int fd, bool vnet, const Coalescer::Group& group) {
  VnetHeader header;
  int parts = 0;
  if (vnet) parts_[parts++] = {&header, sizeof header};
  if (group.count > 1) coalescer_.finish(group, header);
  const Coalescer::Frame& first = coalescer_.frame(group.first);
  parts_[parts++] = {first.data, size_t(first.length)};
  for (int i = first.next; i != Coalescer::kNone; i = coalescer_.frame(i).next) {
    const Coalescer::Frame& frame = coalescer_.frame(i);
    parts_[parts++] = {frame.data + group.view.payload, size_t(frame.length - group.view.payload)};
  }
  ssize_t bytes;
  do bytes = writev(fd, parts_, parts);
  while (bytes < 0 && errno == EINTR);
  return bytes >= 0;
}

}  // namespace wanbond
