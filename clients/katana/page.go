package katana

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"stocksyncd/clients/internal/transport"
	"stocksyncd/reconcile/inventory"
)

// pageSize is the most records that Katana puts on a page; asking for more is
// refused or clamped. https://developer.katanamrp.com/reference/api-pagination
const pageSize = 250

// restarts is how often a listing that moved is read again from its beginning.
const restarts = 3

// listing is one paged read: W is a record as it comes, T what is made of it, K
// what tells two records apart.
type listing[W, T any, K comparable] struct {
	name  string // in errors: "variants"
	path  string
	query url.Values
	read  func(f *fields, w *W) T
	id    func(T) K
	// first judges a read by its first page: when that was, by Katana's clock,
	// and how many records there are in all. Its error ends the read. It is
	// called again when the listing moved.
	first func(page []T, total int, date time.Time) error
}

// all reads every page. Katana pages by offset over lists that grow at the
// head, so a record can come twice or be pushed past the reader: pages count
// only when their total stood still and as many different records arrived.
func (l listing[W, T, K]) all(ctx context.Context, c *Client) ([]T, error) {
	var short error
	for range restarts + 1 {
		records, err := l.sweep(ctx, c)
		if err == nil {
			return records, nil
		}
		if !errors.Is(err, inventory.ErrIncomplete) {
			return nil, err
		}
		short = err
	}
	return nil, fmt.Errorf("%w; read %d times", short, restarts+1)
}

// sweep reads every page once. It is [inventory.ErrIncomplete] when the
// listing moved or fell short of its total.
func (l listing[W, T, K]) sweep(ctx context.Context, c *Client) ([]T, error) {
	query := url.Values{}
	for name, values := range l.query {
		query[name] = values
	}
	query.Set("limit", strconv.Itoa(pageSize))
	total, arrived := 0, 0
	var records []T
	place := map[K]int{}
	for number := 1; ; number++ {
		query.Set("page", strconv.Itoa(number))
		resp, err := c.get(ctx, l.name, l.path, query)
		if err != nil {
			return nil, err
		}
		page, promised, err := decodePage(c, l.name, resp, l.read)
		if err != nil {
			return nil, err
		}
		if number > 1 && promised != total {
			return nil, fmt.Errorf("katana: %s: %w: the total went from %d to %d while it was read", l.name, inventory.ErrIncomplete, total, promised)
		}
		total = promised
		if number == 1 && l.first != nil {
			if err := l.first(page, total, resp.Date); err != nil {
				return nil, fmt.Errorf("katana: %w", err)
			}
		}
		arrived += len(page)
		for _, record := range page {
			if i, known := place[l.id(record)]; known {
				records[i] = record
				continue
			}
			place[l.id(record)] = len(records)
			records = append(records, record)
		}
		if arrived >= total || len(page) == 0 {
			break
		}
	}
	if len(records) != total {
		return nil, fmt.Errorf("katana: %s: %w: %d of %d records arrived", l.name, inventory.ErrIncomplete, len(records), total)
	}
	return records, nil
}

// decodePage reads {"data":[…]} and the total that X-Pagination promises.
func decodePage[W, T any](c *Client, name string, resp *transport.Response, read func(*fields, *W) T) ([]T, int, error) {
	records, err := decodeList(resp.Body, read)
	if errors.Is(err, errShape) {
		return nil, 0, fmt.Errorf("katana: %s: %w: %s", name, err, c.http.Excerpt(resp.Body))
	}
	if err != nil {
		return nil, 0, fmt.Errorf("katana: %s: %w", name, err)
	}
	total, err := promisedTotal(resp.Header.Get("X-Pagination"))
	if err != nil {
		return nil, 0, fmt.Errorf("katana: %s: %w, so nobody can tell whether the read is complete", name, err)
	}
	return records, total, nil
}

// errShape reports a body that is not what the API describes at all.
var errShape = errors.New("unreadable answer")

func decodeList[W, T any](body []byte, read func(*fields, *W) T) ([]T, error) {
	var envelope struct {
		Data *[]W `json:"data"`
	}
	if err := json.Unmarshal(body, &envelope); err != nil {
		return nil, fmt.Errorf("%w: %w", errShape, err)
	}
	if envelope.Data == nil {
		return nil, fmt.Errorf("%w: data %w", errShape, errMissing)
	}
	records := make([]T, 0, len(*envelope.Data))
	for i := range *envelope.Data {
		f := &fields{}
		record := read(f, &(*envelope.Data)[i])
		if f.err != nil {
			return nil, fmt.Errorf("record %d: %w", i+1, f.err)
		}
		records = append(records, record)
	}
	return records, nil
}

// promisedTotal reads total_records of X-Pagination, a JSON object whose
// values come as text or as numbers.
func promisedTotal(header string) (int, error) {
	if header == "" {
		return 0, fmt.Errorf("the header X-Pagination %w", errMissing)
	}
	var promise struct {
		Total token `json:"total_records"`
	}
	if err := json.Unmarshal([]byte(header), &promise); err != nil {
		return 0, fmt.Errorf("the header X-Pagination is unreadable: %w", err)
	}
	if promise.Total.empty() {
		return 0, fmt.Errorf("total_records of X-Pagination %w", errMissing)
	}
	text, err := promise.Total.plain()
	total, numErr := strconv.Atoi(text)
	if err != nil || numErr != nil || total < 0 {
		return 0, fmt.Errorf("total_records of X-Pagination is not a count: %q", promise.Total)
	}
	return total, nil
}
