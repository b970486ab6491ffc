package state

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/bits"
	"slices"
)

// The form of a bbolt file, as bbolt's package documentation and its public
// source describe it; numbers are in the machine's own order.
//
//	page     id u64, flags u16, count u16, overflow u32 (further pages), body
//	meta     magic, version, page size, flags u32; root and sequence of the top
//	         bucket, page of the free list, number of pages, transaction, sum u64
//	branch   count × (position u32, key size u32, page u64), keys
//	leaf     count × (flags, position, key size, value size u32), keys and values
//	free     count × page u64; count 65535: the first is the count
//	bucket   the value of a leaf: root page, sequence u64; root 0: a leaf follows
const (
	boltMagic   = 0xED0CDAED
	boltVersion = 2

	headerSize  = 16
	elementSize = 16
	bucketSize  = 16
	metaSize    = headerSize + 64

	branchPage   = 0x01
	leafPage     = 0x02
	metaPage     = 0x04
	freelistPage = 0x10

	bucketFlag = 0x01
)

var native = binary.NativeEndian

// visitor is given every key of a file in order, with the buckets around it.
// Of a bucket it gets the name and no value. Both are valid until it returns.
type visitor func(path []string, key, value []byte, bucket bool) error

// pages walks a bbolt file without bbolt, which trusts what it reads: a wrong
// number in a page leads it outside of the file, or round in circles.
//
// It accepts exactly what bbolt writes. Each page below the high water mark is
// used once; keys ascend, within the bounds that the branches give; the keys
// and values of a page lie side by side.
type pages struct {
	file  io.ReaderAt
	size  uint64 // of a page
	count uint64 // pages in use
	used  []bool
	visit visitor

	// What was read into before and is not needed any more: a large file has a
	// hundred thousand pages, and they are walked one at a time.
	spare [][]byte
	lists [][]element
}

// meta is what is needed of a meta page.
type meta struct{ pageSize, root, free, count, txid uint64 }

func readMeta(file io.ReaderAt, at int64) (m meta, magic bool, err error) {
	b := make([]byte, metaSize)
	if _, err := file.ReadAt(b, at); err != nil {
		return m, false, fmt.Errorf("meta page: %w", err)
	}
	magic = native.Uint32(b[headerSize:]) == boltMagic
	sum := fnv.New64a()
	_, _ = sum.Write(b[headerSize : metaSize-8]) // a hash takes everything
	if !magic || native.Uint16(b[8:]) != metaPage || native.Uint32(b[20:]) != boltVersion || native.Uint64(b[metaSize-8:]) != sum.Sum64() {
		return m, magic, errors.New("a meta page does not add up")
	}
	m = meta{
		pageSize: uint64(native.Uint32(b[24:])), root: native.Uint64(b[32:]), free: native.Uint64(b[48:]),
		count: native.Uint64(b[56:]), txid: native.Uint64(b[64:]),
	}
	return m, true, nil
}

// newest gives the meta page that holds. Both must be sound: the damaged one
// may be the newer, and going back to the other would forget a batch that has
// been sent.
func newest(file io.ReaderAt, size int64) (meta, error) {
	first, magic, err := readMeta(file, 0)
	if err != nil {
		if !magic && !isOurs(file, size) {
			return meta{}, ErrNotState
		}
		return meta{}, err
	}
	if first.pageSize < 1<<10 || first.pageSize > 1<<24 || bits.OnesCount64(first.pageSize) != 1 {
		return meta{}, fmt.Errorf("a page size of %d", first.pageSize)
	}
	second, _, err := readMeta(file, int64(first.pageSize)) // #nosec G115 -- bounded above
	if err != nil {
		return meta{}, err
	}
	if second.pageSize != first.pageSize {
		return meta{}, errors.New("the meta pages do not agree")
	}
	if second.txid > first.txid {
		return second, nil
	}
	return first, nil
}

// isOurs tells whether a file without a first meta page may have been a state
// file: it has the second one, or ends before the first does, or is all zeros,
// as a power cut can leave it.
func isOurs(file io.ReaderAt, size int64) bool {
	if size < metaSize {
		return true
	}
	for at := int64(1 << 10); at <= 1<<24 && at+metaSize <= size; at <<= 1 {
		if _, magic, _ := readMeta(file, at); magic {
			return true
		}
	}
	head := make([]byte, min(size, 1<<16))
	_, err := file.ReadAt(head, 0)
	return (err == nil || errors.Is(err, io.EOF)) && len(bytes.Trim(head, "\x00")) == 0
}

// walk gives every key of the file to visit.
func walk(file io.ReaderAt, size int64, visit visitor) error {
	m, err := newest(file, size)
	if err != nil {
		return err
	}
	if m.count < 4 || m.count > uint64(size)/m.pageSize { // #nosec G115 -- a size is not negative
		return fmt.Errorf("it has %d bytes, and should have %d pages of %d", size, m.count, m.pageSize)
	}
	p := &pages{file: file, size: m.pageSize, count: m.count, used: make([]bool, m.count), visit: visit}
	p.used[0], p.used[1] = true, true
	if err := p.freelist(m.free); err != nil {
		return err
	}
	if err := p.page(m.root, nil, nil, nil); err != nil {
		return err
	}
	for id, used := range p.used {
		if !used {
			return fmt.Errorf("page %d is neither used nor free", id)
		}
	}
	return nil
}

// claim notes that a page is used, which must not happen twice.
func (p *pages) claim(id uint64) error {
	if id >= p.count {
		return fmt.Errorf("page %d does not exist", id)
	}
	if p.used[id] {
		return fmt.Errorf("page %d is used twice", id)
	}
	p.used[id] = true
	return nil
}

// read gives a page with its overflow.
func (p *pages) read(id uint64) ([]byte, error) {
	if err := p.claim(id); err != nil {
		return nil, err
	}
	b := p.buffer()
	if _, err := p.file.ReadAt(b, int64(id*p.size)); err != nil { // #nosec G115 -- below the file's size
		return nil, fmt.Errorf("page %d: %w", id, err)
	}
	if native.Uint64(b) != id {
		return nil, fmt.Errorf("page %d says that it is another", id)
	}
	more := uint64(native.Uint32(b[12:]))
	for i := range more {
		if err := p.claim(id + 1 + i); err != nil {
			return nil, err
		}
	}
	if more == 0 {
		return b, nil
	}
	b = make([]byte, (1+more)*p.size)
	if _, err := p.file.ReadAt(b, int64(id*p.size)); err != nil { // #nosec G115 -- below the file's size
		return nil, fmt.Errorf("page %d: %w", id, err)
	}
	return b, nil
}

// buffer gives room for a page, and done takes it back.
func (p *pages) buffer() []byte {
	last := len(p.spare) - 1
	if last < 0 {
		return make([]byte, p.size)
	}
	b := p.spare[last]
	p.spare = p.spare[:last]
	return b
}

func (p *pages) done(b []byte) {
	if uint64(len(b)) == p.size { // one with overflow is seldom as long as the next
		p.spare = append(p.spare, b)
	}
}

func (p *pages) freelist(id uint64) error {
	b, err := p.read(id)
	if err != nil {
		return err
	}
	if native.Uint16(b[8:]) != freelistPage {
		return fmt.Errorf("page %d is no free list", id)
	}
	n, ids := uint64(native.Uint16(b[10:])), b[headerSize:]
	if n == 0xFFFF {
		n, ids = native.Uint64(ids), ids[8:]
	}
	if n > uint64(len(ids)/8) {
		return fmt.Errorf("page %d: a free list of %d pages", id, n)
	}
	for i := range n {
		if err := p.claim(native.Uint64(ids[i*8:])); err != nil {
			return fmt.Errorf("free list: %w", err)
		}
	}
	return nil
}

// page walks a page and those below it. All its keys are at least low, and
// below high unless that is nil.
func (p *pages) page(id uint64, path []string, low, high []byte) error {
	b, err := p.read(id)
	if err != nil {
		return err
	}
	switch native.Uint16(b[8:]) {
	case leafPage:
		err = p.leaf(b, path, low, high, false)
	case branchPage:
		err = p.branch(b, path, low, high)
	default:
		err = errors.New("neither branch nor leaf")
	}
	if err != nil {
		return fmt.Errorf("page %d: %w", id, err)
	}
	p.done(b)
	return nil
}

// element is one entry of a branch or leaf.
type element struct {
	key, value []byte
	flags      uint32 // of a leaf's
	page       uint64 // of a branch's
}

// elements takes a page apart. The list is to be given back.
func (p *pages) elements(b []byte, branch bool) ([]element, error) {
	count := int(native.Uint16(b[10:]))
	at := uint64(headerSize + count*elementSize) // #nosec G115 -- small and positive
	if at > uint64(len(b)) {
		return nil, fmt.Errorf("%d entries in %d bytes", count, len(b))
	}
	var all []element
	if last := len(p.lists) - 1; last >= 0 {
		all, p.lists = p.lists[last][:0], p.lists[:last]
	}
	all = slices.Grow(all, count)[:count]
	for i := range all {
		start := headerSize + i*elementSize
		e := b[start : start+elementSize]
		var position, keySize, valueSize uint64
		all[i] = element{}
		if branch {
			position, keySize = uint64(native.Uint32(e)), uint64(native.Uint32(e[4:]))
			all[i].page = native.Uint64(e[8:])
		} else {
			all[i].flags = native.Uint32(e)
			position, keySize, valueSize = uint64(native.Uint32(e[4:])), uint64(native.Uint32(e[8:])), uint64(native.Uint32(e[12:]))
		}
		end := at + keySize + valueSize
		if uint64(start)+position != at || keySize == 0 || end > uint64(len(b)) { // #nosec G115 -- small and positive
			return nil, fmt.Errorf("entry %d is not where it should be", i)
		}
		all[i].key, all[i].value = b[at:at+keySize], b[at+keySize:end]
		at = end
	}
	return all, nil
}

func (p *pages) giveBack(all []element) { p.lists = append(p.lists, all) }

// end is where the last entry of a leaf ends.
func end(all []element) int {
	at := headerSize + len(all)*elementSize
	for _, e := range all {
		at += len(e.key) + len(e.value)
	}
	return at
}

// ascending checks the order of a page's keys and their bounds.
func ascending(all []element, low, high []byte) error {
	for i, e := range all {
		if (i == 0 && bytes.Compare(e.key, low) < 0) || (i > 0 && bytes.Compare(e.key, all[i-1].key) <= 0) {
			return fmt.Errorf("entry %d is out of order", i)
		}
		if high != nil && bytes.Compare(e.key, high) >= 0 {
			return fmt.Errorf("entry %d is out of bounds", i)
		}
	}
	return nil
}

func (p *pages) branch(b []byte, path []string, low, high []byte) error {
	all, err := p.elements(b, true)
	if err != nil {
		return err
	}
	defer p.giveBack(all)
	if len(all) == 0 {
		return errors.New("a branch without pages")
	}
	if err := ascending(all, low, high); err != nil {
		return err
	}
	for i, e := range all {
		next := high
		if i+1 < len(all) {
			next = all[i+1].key
		}
		if err := p.page(e.page, path, e.key, next); err != nil {
			return err
		}
	}
	return nil
}

func (p *pages) leaf(b []byte, path []string, low, high []byte, inline bool) error {
	all, err := p.elements(b, false)
	if err != nil {
		return err
	}
	defer p.giveBack(all)
	// An empty bucket stands in its parent's leaf, and there takes no more
	// room than it needs; only a new file has an empty page.
	if last := end(all); inline && last != len(b) || !inline && len(all) == 0 && len(path) > 0 {
		return fmt.Errorf("%d entries, and there should be more", len(all))
	}
	if err := ascending(all, low, high); err != nil {
		return err
	}
	for _, e := range all {
		switch {
		case e.flags == 0:
			err = p.visit(path, e.key, e.value, false)
		case e.flags == bucketFlag && !inline:
			if err = p.visit(path, e.key, nil, true); err == nil {
				err = p.bucket(e.value, append(path[:len(path):len(path)], string(e.key)))
			}
		default:
			err = errors.New("an entry of no kind")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// bucket walks a bucket: its own pages, or the leaf within its value.
func (p *pages) bucket(value []byte, path []string) error {
	if len(value) < bucketSize {
		return errors.New("a bucket without a root")
	}
	if root := native.Uint64(value); root != 0 {
		return p.page(root, path, nil, nil)
	}
	b := value[bucketSize:]
	// The leaf is no page of its own: bbolt would free the one that it names.
	if len(b) < headerSize || native.Uint64(b) != 0 || native.Uint16(b[8:]) != leafPage || native.Uint32(b[12:]) != 0 {
		return errors.New("a bucket without a leaf")
	}
	return p.leaf(b, path, nil, nil, true)
}
