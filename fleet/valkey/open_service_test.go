//go:build service

package valkey_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.yaml.in/yaml/v4"

	"parley/fleet/fleettest"
	"parley/fleet/frame"
	"parley/fleet/valkey"
	"parley/shared/chat"
	"parley/shared/id"
)

// encrypted stands before a server as ElastiCache's TLS does, and returns its
// address and the authority of its certificate.
func encrypted(t *testing.T, server string) (string, *x509.CertPool) {
	t.Helper()
	https := httptest.NewTLSServer(nil) // for its certificate, which is for 127.0.0.1
	t.Cleanup(https.Close)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: https.TLS.Certificates})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			go join(in, server)
		}
	}()
	known := x509.NewCertPool()
	known.AddCert(https.Certificate())
	return l.Addr().String(), known
}

func join(in net.Conn, server string) {
	defer in.Close()
	out, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer out.Close()
	go func() { _, _ = io.Copy(out, in); out.Close() }()
	_, _ = io.Copy(in, out)
}

// accessString is what the template lets the fleet's user do.
func accessString(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Resources struct {
			ValkeyUser struct {
				Properties struct {
					AccessString string `yaml:"AccessString"`
				} `yaml:"Properties"`
			} `yaml:"ValkeyUser"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	return template.Resources.ValkeyUser.Properties.AccessString
}

// The template's user can do all that the fleet does, over TLS, and nothing else.
func TestTheTemplatesUserOverTLS(t *testing.T) {
	server := fleettest.StartValkey(t)
	master := valkey.Open(valkey.Settings{Addr: server.Addr})
	defer master.Close()
	rules := []any{"ACL", "SETUSER", "parley", ">secret"}
	for _, rule := range strings.Fields(accessString(t)) {
		rules = append(rules, rule)
	}
	if err := master.Do(t.Context(), rules...).Err(); err != nil {
		t.Fatal(err)
	}
	addr, known := encrypted(t, server.Addr)
	open := func(s valkey.Settings) *redis.Client {
		s.Addr = addr
		client := valkey.Open(s)
		t.Cleanup(func() { _ = client.Close() })
		return client
	}

	stranger := open(valkey.Settings{TLS: true, User: "parley", Password: "secret"})
	if err := valkey.Ping(t.Context(), stranger); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a server whose certificate nobody vouches for: %v", err)
	}
	wrong := open(valkey.Settings{TLS: true, User: "parley", Password: "guess"})
	wrong.Options().TLSConfig.RootCAs = known
	if err := valkey.Ping(t.Context(), wrong); err == nil {
		t.Error("a wrong password opened it")
	}
	client := open(valkey.Settings{TLS: true, User: "parley", Password: "secret"})
	client.Options().TLSConfig.RootCAs = known
	use(t, client)

	for what, err := range map[string]error{
		"somebody else's key": client.Set(t.Context(), "other", "1", time.Minute).Err(),
		"all keys":            client.Keys(t.Context(), "*").Err(),
		"emptying it":         client.FlushAll(t.Context()).Err(),
		"its settings":        client.ConfigGet(t.Context(), "*").Err(),
		"another channel":     client.Publish(t.Context(), "other", "1").Err(),
	} {
		if err == nil || !strings.Contains(err.Error(), "NOPERM") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// use does everything that worker and relay do.
func use(t *testing.T, client *redis.Client) {
	t.Helper()
	ctx := t.Context()
	now := id.New(time.Now())
	ref := chat.Ref{User: now, Chat: now, Message: now}
	ready, cancel := context.WithCancel(ctx)
	go valkey.Report(ready, client, func() error { return nil })
	fleettest.Await(t, 5*time.Second, "a worker is known", func() bool { return valkey.Working(ctx, client) == nil })
	cancel()

	leases := valkey.NewLeases(client, now, 10*time.Second)
	if _, err := leases.Take(ctx, ref); err != nil {
		t.Error("lease:", err)
	}
	if _, err := leases.Keep(ctx, map[chat.Ref]int{ref: 1}); err != nil {
		t.Error("lease:", err)
	}
	log := frame.NewLog(client)
	if _, err := log.Begin(ctx, ref, 1); err != nil {
		t.Error("frames:", err)
	}
	if err := log.Append(ctx, ref, frame.Frame{Attempt: 1, Seq: 2, Text: "Hello"}); err != nil {
		t.Error("frames:", err)
	}
	if frames, err := log.Read(ctx, ref, frame.Frame{}); err != nil || len(frames) != 2 {
		t.Error("frames:", frames, err)
	}
	if _, err := log.Seal(ctx, ref, 1); err != nil {
		t.Error("frames:", err)
	}
	hub := valkey.NewHub(ctx, client, quiet)
	frames := hub.Subscribe(valkey.Frames(ref))
	defer frames.Close()
	gap(t, frames)
	stops := valkey.NewStops(client, hub)
	if err := stops.Ask(ctx, ref); err != nil {
		t.Error("stop:", err)
	}
	stopped := make(chan struct{})
	go stops.Watch(ctx, ref, func() { close(stopped) })
	select {
	case <-stopped:
	case <-time.After(10 * time.Second):
		t.Error("nobody heard the wish to stop")
	}
	if err := leases.Release(ctx, ref); err != nil {
		t.Error("lease:", err)
	}
}
