#pragma once
#include <cstdint>

#include "tcp-view.h"
#include "virtio.h"

namespace wanbond {

/**
 * Joins consecutive segments of a TCP flow, as the kernel's GRO does (tcp_gro_receive, inet_gro_receive), and never
 * changes the order inside a flow: groups are written in the order of their first frames, and only the newest group of
 * a flow grows.
 */
class Coalescer {
 public:
  static constexpr int kMaxFrames = 256;
  static constexpr int kNone = -1;

  struct Frame {
    uint8_t* data;
    int length;
    int next;
  };
  struct Group {
    int first, last, count;
    /** Length of the frame that the group becomes. */
    int bytes;
    int segmentBytes;
    uint32_t nextSequence;
    bool open, verified;
    TcpView view;
  };

  void begin();
  bool full() const { return frameCount_ == kMaxFrames; }
  /** @param join false: every frame stays alone. */
  void add(uint8_t* data, int length, bool join);
  int groupCount() const { return groupCount_; }
  const Group& group(int index) const { return groups_[index]; }
  const Frame& frame(int index) const { return frames_[index]; }
  /** Rewrites the headers of the group's first frame so that it stands for all of them. */
  void finish(const Group& group, VnetHeader& header);

 private:
  static constexpr int kBuckets = 64;
  int* bucketOf(const uint8_t* data, const TcpView& view);
  int startGroup(int frame, const TcpView& view, bool open);
  bool append(Group& group, int frame, const TcpView& view);
  bool continues(const Group& group, const Frame& frame, const TcpView& view) const;
  bool verify(Group& group, const Frame& frame, const TcpView& view);

  Frame frames_[kMaxFrames];
  Group groups_[kMaxFrames];
  /** Newest group of the flows that hash here. A flow pushed out of its bucket starts a new group, later in order. */
  int buckets_[kBuckets];
  int frameCount_ = 0, groupCount_ = 0;
};

}  // namespace wanbond
