package account

import (
	"crypto/rand"
	"crypto/subtle"
	_ "embed"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// Cost of a hash: 19 MiB, two passes, one lane, which OWASP has as its minimum
// for argon2id; about 30 ms of a full core.
const (
	hashMemory  = 19 * 1024 // KiB
	hashPasses  = 2
	hashLanes   = 1
	hashSize    = 32 // bytes
	hashSaltLen = 16 // bytes
)

// dummy is checked for an address that has no account, to take the same time. It
// is the hash of nothing.
const dummy = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// hashPassword returns a password's hash as a PHC string.
func hashPassword(password string) string {
	salt := make([]byte, hashSaltLen)
	_, _ = rand.Read(salt) // never fails
	sum := argon2.IDKey(normal(password), salt, hashPasses, hashMemory, hashLanes, hashSize)
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, hashMemory, hashPasses, hashLanes,
		enc.EncodeToString(salt), enc.EncodeToString(sum))
}

// matches reports whether password has that hash. It reads the costs from the
// hash, so that they can be raised for new ones.
func matches(phc, password string) bool {
	var version int
	var memory, passes uint32
	var lanes uint8
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false
	}
	if _, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &memory, &passes, &lanes); err != nil || version != argon2.Version {
		return false
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil || len(want) == 0 || passes == 0 || lanes == 0 {
		return false
	}
	got := argon2.IDKey(normal(password), salt, passes, memory, lanes, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1
}

// normal makes a password the same bytes whichever keyboard it was typed on.
func normal(password string) []byte { return norm.NFC.Bytes([]byte(password)) }

// common is the 1,780 passwords of ten characters or more among the 20,000 most
// used ones (Royce Williams's list as Django carries it, BSD licence), one a line.
//
//go:embed common.txt
var common string

// wellKnown reports whether a password of MinPassword characters or more is one
// of the most used, or no more than a character or a run of them repeated.
func wellKnown(password string) bool {
	p := strings.ToLower(password)
	return strings.Contains(common, "\n"+p+"\n") || repeats(p) || runs(p)
}

// repeats reports whether s is one piece of up to four bytes over and over.
func repeats(s string) bool {
	for n := 1; n <= 4; n++ {
		if strings.Repeat(s[:n], len(s)/n+1)[:len(s)] == s {
			return true
		}
	}
	return false
}

// runs reports whether s goes along the alphabet or the digits, up or down.
func runs(s string) bool {
	const up = "abcdefghijklmnopqrstuvwxyz 01234567890123456789"
	const down = "zyxwvutsrqponmlkjihgfedcba 98765432109876543210"
	return strings.Contains(up, s) || strings.Contains(down, s)
}
