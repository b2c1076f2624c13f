package store

import (
	"crypto/sha256"
	"encoding/base64"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"parley/shared/chat"
	"parley/shared/quota"
)

// Names of the key attributes, the same in every table.
const (
	pk = "PK"
	sk = "SK"
)

func key(p, s string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{pk: str(p), sk: str(s)}
}

// owner is the partition of everything that belongs to one user.
func owner(user string) string { return "U#" + user }

// Rows of the chats table.
func chatKey(user, chat string) item         { return key(owner(user), "C#"+chat) }
func messageKey(user, chat, msg string) item { return key(owner(user), messagePrefix(chat)+msg) }
func guardKey(user, idempotency string) item { return key(owner(user), "I#"+digest(idempotency)) }
func indexedKey(user string) item            { return key(owner(user), "X") } // what of the history is indexed
func quotaKey(user, hour string) item        { return key(owner(user), "Q#"+hour) }

// Rows of the accounts table.
func profileKey(user string) item         { return key(owner(user), profileSK) }
func sessionKey(user, family string) item { return key(owner(user), "S#"+family) }
func secretKey(user, purpose string) item { return key(owner(user), "V#"+purpose) }
func placeKey(user, place string) item    { return key(owner(user), "N#"+digest(place)) }
func patKey(user, pat string) item        { return key(owner(user), patPrefix+pat) }
func auditKey(user, change string) item   { return key(owner(user), auditPrefix+change) }
func emailKey(email string) item          { return key("E#"+digest(email), "G") }
func phoneKey(phone string) item          { return key("P#"+digest(phone), "G") }
func signingKey(kid string) item          { return key(signingKeys, kid) }
func triesKey(bucket, window string) item { return key("L#"+digest(bucket+"|"+window), "B") }

// Rows of the files table.
func fileKey(user, file string) item { return key(owner(user), filePrefix+file) }
func sameKey(user, sha string) item  { return key(owner(user), "H#"+sha) }
func attachedKey(user, chat, file string) item {
	return key(owner(user), attachedPrefix(chat)+file)
}
func dialogueKey(user, chat string) item { return key(owner(user), dialoguePrefix+chat) }
func storageKey(user string) item        { return key(owner(user), storageSK) }

// blobKey is the row that counts who refers to some bytes. No user owns it, and
// nobody gets to it but through a file of theirs.
func blobKey(sha string) item { return key(blobPrefix+sha, "B") }

const (
	filePrefix     = "F#"
	attachments    = "A#"
	dialoguePrefix = "D#"
	storageSK      = "Q"
	blobPrefix     = "B#" // of the partition
)

func attachedPrefix(chat string) string { return attachments + chat + "#" }

const (
	profileSK   = "P"
	auditPrefix = "A#"
	patPrefix   = "T#"
	signingKeys = "K" // the one partition that no user owns
)

// nobody owns what is looked up and written for an e-mail address without an
// account, so that it takes the same calls.
func nobody(email string) string { return "nobody#" + digest(email) }

// rateKey is where a worker reports its rate; the fleet owns these rows. Where there
// are several regions, each has its own: it can't send prompts to another's workers.
func (c *Chats) rateKey(p quota.Plan, worker string) item { return key(c.fleet(p), "W#"+worker) }

func (c *Chats) fleet(p quota.Plan) string {
	if c.region == "" {
		return "F#" + string(p)
	}
	return "F#" + string(p) + "#" + c.region
}

// normKey is where report-backlog keeps what one worker usually does.
func (c *Chats) normKey(p quota.Plan) item { return key(c.fleet(p), "N") }

// totalKey is where report-backlog keeps what all workers of a plan do together.
func (c *Chats) totalKey(p quota.Plan) item { return key(c.fleet(p), "T") }

// beatKey is a region's sign of life; that region alone writes it.
func beatKey(region string) item { return key("F#beat", "R#"+region) }

func messagePrefix(chat string) string { return "M#" + chat + "#" }

// Folders of S3 objects.
const (
	keptBodies    = "bodies/"
	passingBodies = "passing/" // of exchanges that aren't kept; the bucket's lifecycle empties it
)

// bodyKey names the S3 object of a body too large for its row.
func bodyKey(ref chat.Ref) string {
	folder := keptBodies
	if ref.Passing() {
		folder = passingBodies
	}
	return folder + ref.User + "/" + ref.Chat + "/" + ref.Message
}

// askedKey is that of a completion.
func askedKey(ref chat.Ref) string { return bodyKey(ref) + "/asked" }

// digest shortens and hides what a key is looked up by.
func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
