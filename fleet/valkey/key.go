package valkey

import "parley/shared/chat"

// Every key carries its owner, so that nobody can name somebody else's reply,
// and the braces keep all keys of a reply on one shard of a cluster.
func key(prefix string, ref chat.Ref) string {
	return prefix + ":{" + ref.User + ":" + ref.Message + "}"
}

// Frames names the stream of a reply's frames and the channel that announces
// them.
func Frames(ref chat.Ref) string { return key("frames", ref) }

func leaseKey(ref chat.Ref) string { return key("lease", ref) }

func stopKey(ref chat.Ref) string { return key("stop", ref) }
