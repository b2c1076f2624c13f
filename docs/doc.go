// Package docs holds docs/openapi.yaml, the reference of the API, and what keeps
// it true: its tests compare it with the routes and the error codes of the code,
// and with what a running Parley answers. It also holds docs/prices.json.
package docs

import _ "embed"

// OpenAPI is the API's description, an OpenAPI 3.1 document in YAML.
//
//go:embed openapi.yaml
var OpenAPI []byte

// Prices is what AWS charges, with date and source, in JSON.
//
//go:embed prices.json
var Prices []byte
