package policy

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Condition keys that calls have values of.
const (
	leadingKeys = "dynamodb:LeadingKeys"
	listPrefix  = "s3:prefix"
	fromAddress = "ses:FromAddress"
	keyPurpose  = "kms:EncryptionContext:"
)

// unknown is the resource of a call that isn't understood; no role allows it.
const unknown = "?"

var (
	appOf   = regexp.MustCompile(`(?:^| )app/(\S+)`)
	scopeOf = regexp.MustCompile(`Credential=[^/ ]+/[0-9]{8}/[a-z0-9-]+/([a-z0-9]+)/aws4_request`)
)

// caller tells who asks, and of which service. A request without a known caller is
// nobody's need.
func caller(r *http.Request) (app string, signed bool, service string) {
	if credential := r.URL.Query().Get("X-Amz-Credential"); credential != "" {
		if parts := strings.Split(credential, "/"); len(parts) == 5 {
			return "", true, parts[3]
		}
		return "", false, ""
	}
	found, scope := appOf.FindStringSubmatch(r.UserAgent()), scopeOf.FindStringSubmatch(r.Header.Get("Authorization"))
	if found == nil || scope == nil {
		return "", false, ""
	}
	return found[1], false, scope[1]
}

// hasBody reports whether a request's needs are in its body.
func hasBody(r *http.Request, service string) bool {
	return service != "s3" || r.Method == http.MethodPost && r.URL.Query().Has("delete")
}

// needs are what a request to a service asks for. The caller is not filled in.
func needs(r *http.Request, service string, body []byte) []Need {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	var all []Need
	var err error
	switch service {
	case "s3":
		all, err = s3Needs(r, body)
	case "dynamodb":
		all, err = tableNeeds(operation, body)
	case "sqs":
		all, err = queueNeeds(operation, body)
	case "kms":
		all, err = keyNeeds(operation, body)
	case "secretsmanager":
		all, err = secretNeeds(operation, body)
	case "ses":
		all, err = mailNeeds(r, body)
	case "lambda":
		all, err = functionNeeds(r)
	default:
		err = errStrange
	}
	if err != nil {
		return []Need{{Action: service + ":" + operation, Resource: unknown}}
	}
	return all
}

var errStrange = fmt.Errorf("this call isn't understood")

// row is what is read of a row, or of its key.
type row struct {
	PK struct{ S string }
}

// rowCall is one part of a call to DynamoDB, or all of it.
type rowCall struct {
	TableName                 string
	Key, Item                 *row
	KeyConditionExpression    string
	ExpressionAttributeValues map[string]struct{ S string }
}

func (c rowCall) need(action string) (Need, error) {
	key := ""
	switch {
	case c.Key != nil:
		key = c.Key.PK.S
	case c.Item != nil:
		key = c.Item.PK.S
	default:
		if m := ownerIs.FindStringSubmatch(c.KeyConditionExpression); m != nil {
			key = c.ExpressionAttributeValues[m[1]].S
		}
	}
	if c.TableName == "" || key == "" {
		return Need{}, errStrange
	}
	return Need{Action: "dynamodb:" + action, Resource: tableName(c.TableName), Context: map[string][]string{leadingKeys: {rowShape(key)}}}, nil
}

var ownerIs = regexp.MustCompile(`^PK = (:\w+)(?: AND |$)`)

// tableName is a table's, which may be given by its ARN.
func tableName(table string) string { return table[strings.LastIndexByte(table, '/')+1:] }

// parts says which right a part of a transaction needs.
var parts = map[string]string{"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem", "Get": "GetItem"}

func tableNeeds(operation string, body []byte) ([]Need, error) {
	switch operation {
	case "GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query":
		var call rowCall
		if err := json.Unmarshal(body, &call); err != nil {
			return nil, err
		}
		n, err := call.need(operation)
		return []Need{n}, err
	case "TransactWriteItems", "TransactGetItems":
		return transactNeeds(body)
	case "BatchGetItem":
		return batchGetNeeds(body)
	case "BatchWriteItem":
		return batchWriteNeeds(body)
	}
	return nil, errStrange
}

func transactNeeds(body []byte) ([]Need, error) {
	var call struct{ TransactItems []map[string]rowCall }
	if err := json.Unmarshal(body, &call); err != nil {
		return nil, err
	}
	var all []Need
	for _, item := range call.TransactItems {
		for kind, part := range item {
			n, err := part.need(parts[kind])
			if err != nil || parts[kind] == "" {
				return nil, errStrange
			}
			all = append(all, n)
		}
	}
	return all, nil
}

func batchGetNeeds(body []byte) ([]Need, error) {
	var call struct {
		RequestItems map[string]struct{ Keys []row }
	}
	if err := json.Unmarshal(body, &call); err != nil {
		return nil, err
	}
	var all []Need
	for table, in := range call.RequestItems {
		all = append(all, batchNeed("BatchGetItem", table, in.Keys))
	}
	return all, nil
}

func batchWriteNeeds(body []byte) ([]Need, error) {
	var call struct {
		RequestItems map[string][]struct {
			PutRequest    *struct{ Item row }
			DeleteRequest *struct{ Key row }
		}
	}
	if err := json.Unmarshal(body, &call); err != nil {
		return nil, err
	}
	var all []Need
	for table, requests := range call.RequestItems {
		var rows []row
		for _, r := range requests {
			switch {
			case r.PutRequest != nil:
				rows = append(rows, r.PutRequest.Item)
			case r.DeleteRequest != nil:
				rows = append(rows, r.DeleteRequest.Key)
			}
		}
		all = append(all, batchNeed("BatchWriteItem", table, rows))
	}
	return all, nil
}

func batchNeed(action, table string, rows []row) Need {
	var keys []string
	for _, r := range rows {
		keys = append(keys, rowShape(r.PK.S))
	}
	slices.Sort(keys)
	return Need{Action: "dynamodb:" + action, Resource: tableName(table), Context: map[string][]string{leadingKeys: slices.Compact(keys)}}
}

// queueNeeds: a batch needs the right to what it does one by one.
func queueNeeds(operation string, body []byte) ([]Need, error) {
	var call struct{ QueueUrl string }
	if err := json.Unmarshal(body, &call); err != nil {
		return nil, err
	}
	if call.QueueUrl == "" {
		return nil, errStrange
	}
	name := call.QueueUrl[strings.LastIndexByte(call.QueueUrl, '/')+1:]
	return []Need{{Action: "sqs:" + strings.TrimSuffix(operation, "Batch"), Resource: name}}, nil
}

func keyNeeds(operation string, body []byte) ([]Need, error) {
	var call struct {
		KeyId             string
		EncryptionContext map[string]string
	}
	if err := json.Unmarshal(body, &call); err != nil {
		return nil, err
	}
	if call.KeyId == "" { // Decrypt may leave it out; then the policy can't be compared
		return nil, errStrange
	}
	context := map[string][]string{}
	for name, value := range call.EncryptionContext {
		context[keyPurpose+name] = []string{pathlessShape(value)}
	}
	return []Need{{Action: "kms:" + operation, Resource: call.KeyId[strings.LastIndexByte(call.KeyId, '/')+1:], Context: context}}, nil
}

var purpose = regexp.MustCompile(`^[a-z-]{1,32}$`)

// pathlessShape keeps words, such as a purpose, and hides all else.
func pathlessShape(value string) string {
	if purpose.MatchString(value) {
		return value
	}
	return hidden
}

func secretNeeds(operation string, body []byte) ([]Need, error) {
	var call struct{ SecretId string }
	if err := json.Unmarshal(body, &call); err != nil || call.SecretId == "" {
		return nil, errStrange
	}
	return []Need{{Action: "secretsmanager:" + operation, Resource: call.SecretId[strings.LastIndexByte(call.SecretId, ':')+1:]}}, nil
}

func mailNeeds(r *http.Request, body []byte) ([]Need, error) {
	var call struct{ FromEmailAddress string }
	if r.Method != http.MethodPost || r.URL.Path != "/v2/email/outbound-emails" {
		return nil, errStrange
	}
	if err := json.Unmarshal(body, &call); err != nil || call.FromEmailAddress == "" {
		return nil, errStrange
	}
	return []Need{{Action: "ses:SendEmail", Resource: call.FromEmailAddress, Context: map[string][]string{fromAddress: {call.FromEmailAddress}}}}, nil
}

var listFunctions, listTags = regexp.MustCompile(`^/[0-9-]{10}/functions/?$`), regexp.MustCompile(`^/[0-9-]{10}/tags/arn:`)

// listAll knows no resource: it is about all functions.
const listAll = "lambda:ListFunctions"

// functionNeeds are those of who looks at the account's functions. Which one is asked
// about isn't kept.
func functionNeeds(r *http.Request) ([]Need, error) {
	switch {
	case r.Method != http.MethodGet:
		return nil, errStrange
	case listFunctions.MatchString(r.URL.Path):
		return []Need{{Action: listAll, Resource: hidden}}, nil
	case listTags.MatchString(r.URL.Path):
		return []Need{{Action: "lambda:ListTags", Resource: hidden}}, nil
	}
	return nil, errStrange
}

// s3Needs are those of a request in path style, which the SDK uses where the
// endpoint is an address.
func s3Needs(r *http.Request, body []byte) ([]Need, error) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if bucket == "" {
		return nil, errStrange
	}
	if key == "" {
		return bucketNeeds(r, bucket, body)
	}
	query := r.URL.Query()
	object := func(action string) ([]Need, error) {
		if query.Has("versionId") {
			action = versionOf[action]
		}
		if action == "" {
			return nil, errStrange
		}
		return []Need{objectNeed(action, bucket, key)}, nil
	}
	upload := query.Has("uploadId")
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		switch {
		case upload:
			return object("s3:ListMultipartUploadParts")
		case query.Has("tagging"):
			return object("s3:GetObjectTagging")
		case !plainObject(query):
			return nil, errStrange
		}
		return object("s3:GetObject")
	case http.MethodDelete:
		switch {
		case upload:
			return object("s3:AbortMultipartUpload")
		case !plainObject(query):
			return nil, errStrange
		}
		return object("s3:DeleteObject")
	case http.MethodPost:
		if upload || query.Has("uploads") {
			return object("s3:PutObject")
		}
	case http.MethodPut:
		return putNeeds(r, bucket, key)
	}
	return nil, errStrange
}

// versionOf says which right it takes to do the same to a version that is named.
var versionOf = map[string]string{"s3:GetObject": "s3:GetObjectVersion", "s3:GetObjectTagging": "s3:GetObjectVersionTagging", "s3:DeleteObject": "s3:DeleteObjectVersion"}

// plainObject reports whether a request is for an object itself, and not for one of
// the things that belong to it (acl, retention and so on).
func plainObject(query url.Values) bool {
	for name := range query {
		if name != "versionId" && name != "x-id" && !strings.HasPrefix(name, "response-") && !strings.HasPrefix(name, "X-Amz-") {
			return false
		}
	}
	return true
}

// putNeeds are those of an object, a part, or a copy that becomes one of them. A copy
// takes its source's tags along unless it is told not to.
func putNeeds(r *http.Request, bucket, key string) ([]Need, error) {
	query := r.URL.Query()
	if !query.Has("uploadId") && !plainObject(query) {
		return nil, errStrange
	}
	all := []Need{objectNeed("s3:PutObject", bucket, key)}
	if r.Header.Get("X-Amz-Tagging") != "" {
		all = append(all, objectNeed("s3:PutObjectTagging", bucket, key))
	}
	if r.Header.Get("If-Match") != "" {
		all = append(all, objectNeed("s3:GetObject", bucket, key))
	}
	source := r.Header.Get("X-Amz-Copy-Source")
	if source == "" {
		return all, nil
	}
	path, version, _ := strings.Cut(source, "?")
	path, err := url.PathUnescape(strings.TrimPrefix(path, "/"))
	from, name, ok := strings.Cut(path, "/")
	if err != nil || !ok {
		return nil, errStrange
	}
	suffix := ""
	if strings.HasPrefix(version, "versionId=") {
		suffix = "Version"
	}
	all = append(all, objectNeed("s3:GetObject"+suffix, from, name))
	if !query.Has("uploadId") && r.Header.Get("X-Amz-Tagging-Directive") != "REPLACE" {
		all = append(all, objectNeed("s3:GetObject"+suffix+"Tagging", from, name), objectNeed("s3:PutObjectTagging", bucket, key))
	}
	return all, nil
}

func objectNeed(action, bucket, key string) Need {
	return Need{Action: action, Resource: bucket + "/" + pathShape(key)}
}

// lists says which right it takes to list what of a bucket.
var lists = map[string]string{"list-type": "s3:ListBucket", "versions": "s3:ListBucketVersions", "uploads": "s3:ListBucketMultipartUploads"}

func bucketNeeds(r *http.Request, bucket string, body []byte) ([]Need, error) {
	query := r.URL.Query()
	if r.Method == http.MethodPost && query.Has("delete") {
		return deleteNeeds(bucket, body)
	}
	for name, action := range lists {
		if r.Method == http.MethodGet && query.Has(name) {
			n := Need{Action: action, Resource: bucket}
			if prefix := query.Get("prefix"); prefix != "" && action != "s3:ListBucketMultipartUploads" { // which knows no such condition
				n.Context = map[string][]string{listPrefix: {pathShape(prefix)}}
			}
			return []Need{n}, nil
		}
	}
	return nil, errStrange
}

func deleteNeeds(bucket string, body []byte) ([]Need, error) {
	var call struct {
		Objects []struct {
			Key       string
			VersionId string
		} `xml:"Object"`
	}
	if err := xml.Unmarshal(body, &call); err != nil || len(call.Objects) == 0 {
		return nil, errStrange
	}
	var all []Need
	for _, o := range call.Objects {
		action := "s3:DeleteObject"
		if o.VersionId != "" {
			action = versionOf[action]
		}
		all = append(all, objectNeed(action, bucket, o.Key))
	}
	return all, nil
}

// absence is what it takes to be told that an object isn't there: without it S3
// answers 403, not 404.
func absence(asked []Need) []Need {
	var all []Need
	for _, n := range asked {
		if strings.HasPrefix(n.Action, "s3:GetObject") {
			bucket, _, _ := strings.Cut(n.Resource, "/")
			all = append(all, Need{Action: "s3:ListBucket", Resource: bucket})
		}
	}
	return all
}
