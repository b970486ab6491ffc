package shopify

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"stocksyncd/clients/internal/transport"
	"stocksyncd/reconcile/inventory"
)

// renewalRetry is how long a token that is still good is used on after its
// renewal failed.
const renewalRetry = time.Minute

// tokens gives the access token: one that does not expire, or one of the
// client credentials grant, which lasts a day and has no refresh token. That
// is renewed at 80 % of its life and when the store refuses it, by one renewal
// at a time.
//
// https://shopify.dev/docs/apps/build/authentication-authorization/client-credentials-grant
type tokens struct {
	fixed  func() string // nil with the grant
	id     string
	secret func() string
	url    string
	api    string
	store  inventory.StoreName
	http   *transport.Client
	log    *slog.Logger
	turn   chan struct{} // holds one value while somebody renews

	mu      sync.Mutex
	current string
	former  string    // may still be quoted by an answer on its way
	renew   time.Time // zero: not by time
	expires time.Time // zero: unknown
}

func newTokens(opts Options, base string, shared transport.Options, log *slog.Logger) *tokens {
	t := &tokens{
		id: opts.ClientID, secret: opts.ClientSecret, url: base + "/admin/oauth/access_token",
		api: shared.API, store: opts.Store, log: log, turn: make(chan struct{}, 1),
	}
	if opts.ClientID == "" {
		t.fixed = opts.Token
	}
	shared.Secrets, shared.Classify = t.secrets, classifyGrant
	t.http = transport.New(shared)
	return t
}

// secrets lists what no error may show.
func (t *tokens) secrets() []string {
	t.mu.Lock()
	list := []string{t.current, t.former}
	t.mu.Unlock()
	if t.fixed != nil {
		list = append(list, t.fixed())
	}
	if t.secret != nil {
		list = append(list, t.secret())
	}
	return list
}

// get gives a token that is good by what is known.
func (t *tokens) get(ctx context.Context) (string, error) {
	if t.id == "" {
		if t.fixed != nil {
			if token := t.fixed(); token != "" {
				return token, nil
			}
		}
		return "", fmt.Errorf("%s: there is no access token: set access_token, or client_id and client_secret", t.api)
	}
	if token, ok := t.good(time.Now()); ok {
		return token, nil
	}
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	// Somebody else may have renewed it meanwhile.
	if token, ok := t.good(time.Now()); ok {
		return token, nil
	}
	err := t.grant(ctx)
	if err == nil {
		token, _ := t.good(time.Now())
		return token, nil
	}
	if token, ok := t.postpone(time.Now()); ok {
		t.log.Warn("renewing the access token failed; the old one is used until it expires", "store", t.store, "err", err)
		return token, nil
	}
	return "", err
}

func (t *tokens) good(now time.Time) (string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.current, t.current != "" && (t.renew.IsZero() || now.Before(t.renew))
}

// postpone puts a failed renewal off while the token has not expired.
func (t *tokens) postpone(now time.Time) (string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current == "" || !now.Before(t.expires) {
		return "", false
	}
	t.renew = now.Add(renewalRetry)
	return t.current, true
}

// refused takes note that the store does not take a token, and tells whether
// another try can have a better one.
func (t *tokens) refused(token string) bool {
	if t.id == "" {
		return t.fixed != nil && t.fixed() != token
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current == token {
		t.current, t.former = "", token
	}
	return true
}

// grant asks for a token.
func (t *tokens) grant(ctx context.Context) error {
	secret := ""
	if t.secret != nil {
		secret = t.secret()
	}
	if secret == "" {
		return fmt.Errorf("%s: there is no client secret: set client_secret", t.api)
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {t.id}, "client_secret": {secret}}
	asked := time.Now()
	resp, err := t.http.Do(ctx, &transport.Request{
		Name: "access token", Method: http.MethodPost, URL: t.url, Body: []byte(form.Encode()),
		Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"application/json"}},
		// A grant that nobody received harms nobody.
		ReadOnly: true,
	})
	if err != nil {
		return err
	}
	if resp.Status != http.StatusOK {
		return t.refusal(resp)
	}
	answer, ok := readGrant(resp.Body)
	if !ok { // the body is never quoted: it holds the token
		return fmt.Errorf("%s: access token: the answer holds no access_token%s", t.api, requestID(t.http.Redact, resp))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.former, t.current = t.current, answer.Token
	t.renew, t.expires = time.Time{}, time.Time{}
	if seconds, err := answer.Expires.Float64(); err == nil && seconds > 0 {
		life := time.Duration(min(seconds, 1e8) * float64(time.Second))
		// Counted from the question, so that no latency makes it late.
		t.renew, t.expires = asked.Add(life*8/10), asked.Add(life)
	}
	return nil
}

// grantAnswer is what a grant gives.
type grantAnswer struct {
	Token   string      `json:"access_token"`
	Expires json.Number `json:"expires_in"`
}

// readGrant reads an answer to a grant, and tells whether it has a token.
func readGrant(body []byte) (answer grantAnswer, ok bool) {
	err := json.Unmarshal(body, &answer)
	return answer, err == nil && answer.Token != ""
}

// classifyGrant decides whether an answer is worth another try. One that has no
// token although all is well is half an answer, or that of something in between.
func classifyGrant(resp *transport.Response) transport.Verdict {
	if _, ok := readGrant(resp.Body); resp.Status == http.StatusOK && !ok {
		return transport.Verdict{Retry: true}
	}
	return transport.Usual(resp)
}

// grantNext says what a person can do about a refused grant.
var grantNext = map[string]string{
	"app_not_installed":  "install the app in the store",
	"shop_not_permitted": "the store belongs to another organisation than the app: use an access_token of an app that the store installed",
	"invalid_client":     "check client_id and client_secret",
}

// refusal turns an answer to a grant that is not 200 into an error.
func (t *tokens) refusal(resp *transport.Response) error {
	var answer struct {
		Code        string `json:"error"`
		Description string `json:"error_description"`
	}
	said := t.http.Excerpt(resp.Body)
	if json.Unmarshal(resp.Body, &answer) == nil && answer.Code != "" {
		said = oneLine(t.http.Redact(answer.Code + ": " + answer.Description))
	}
	err := fmt.Errorf("%s: access token: HTTP %d: %s%s", t.api, resp.Status, said, requestID(t.http.Redact, resp))
	if next := grantNext[answer.Code]; next != "" {
		return &inventory.PauseError{For: pauseAccess, Err: err, Next: next}
	}
	if pause, ok := pauses[resp.Status]; ok {
		return &inventory.PauseError{For: max(pause.time, resp.Wait), Err: err, Next: pause.next}
	}
	if resp.Status >= 300 && resp.Status < 500 {
		return &inventory.PauseError{For: pauseAccess, Err: err, Next: "check shop, url, client_id and client_secret"}
	}
	return err
}
