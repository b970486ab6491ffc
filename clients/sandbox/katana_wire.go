package sandbox

import (
	"encoding/json"
	"time"
)

// wireTime is written in UTC with milliseconds, as Katana does.
type wireTime time.Time

// MarshalJSON writes 2026-03-04T05:06:07.089Z.
func (t wireTime) MarshalJSON() ([]byte, error) {
	return []byte(`"` + time.Time(t).UTC().Format("2006-01-02T15:04:05.000Z") + `"`), nil
}

// maybeTime is null for the zero time.
func maybeTime(t time.Time) *wireTime {
	if t.IsZero() {
		return nil
	}
	wire := wireTime(t)
	return &wire
}

// maybeID is null for 0, which is nobody's id.
func maybeID(id int64) *int64 {
	if id == 0 {
		return nil
	}
	return &id
}

// maybeText is null for "".
func maybeText(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// wireStamps is what every stored thing carries; deleted_at is set by a soft
// delete, which also moves updated_at.
type wireStamps struct {
	CreatedAt wireTime  `json:"created_at"`
	UpdatedAt wireTime  `json:"updated_at"`
	DeletedAt *wireTime `json:"deleted_at"`
}

type wireLocation struct {
	ID                   int64  `json:"id"`
	Name                 string `json:"name"`
	LegalName            string `json:"legal_name"`
	AddressID            *int64 `json:"address_id"`
	Address              any    `json:"address"`
	IsPrimary            bool   `json:"is_primary"`
	SalesAllowed         bool   `json:"sales_allowed"`
	ManufacturingAllowed bool   `json:"manufacturing_allowed"`
	PurchaseAllowed      bool   `json:"purchase_allowed"`
	wireStamps
}

type wireVariant struct {
	ID                int64       `json:"id"`
	SKU               *string     `json:"sku"`
	ProductID         *int64      `json:"product_id"`
	MaterialID        *int64      `json:"material_id"`
	Type              string      `json:"type"`
	SalesPrice        json.Number `json:"sales_price"`
	PurchasePrice     json.Number `json:"purchase_price"`
	InternalBarcode   *string     `json:"internal_barcode"`
	RegisteredBarcode *string     `json:"registered_barcode"`
	SupplierItemCodes []string    `json:"supplier_item_codes"`
	LeadTime          *int        `json:"lead_time"`
	ConfigAttributes  []struct{}  `json:"config_attributes"` // null on most live rows
	CustomFields      []struct{}  `json:"custom_fields"`     // null on most live rows
	ProductOrMaterial any         `json:"product_or_material,omitempty"`
	wireStamps
}

// wireItem is a product or a material. The three flags of a product are
// absent from a material.
type wireItem struct {
	ID             int64         `json:"id"`
	Name           string        `json:"name"`
	UOM            string        `json:"uom"`
	CategoryName   string        `json:"category_name"`
	Type           string        `json:"type"`
	IsSellable     bool          `json:"is_sellable"`
	IsProducible   *bool         `json:"is_producible,omitempty"`
	IsPurchasable  *bool         `json:"is_purchasable,omitempty"`
	IsAutoAssembly *bool         `json:"is_auto_assembly,omitempty"`
	BatchTracked   bool          `json:"batch_tracked"`
	SerialTracked  bool          `json:"serial_tracked"`
	ArchivedAt     *wireTime     `json:"archived_at"`
	Variants       []wireVariant `json:"variants,omitempty"`
	Configs        []struct{}    `json:"configs"`
	wireStamps
}

type wireService struct {
	ID           int64                `json:"id"`
	Name         string               `json:"name"`
	UOM          string               `json:"uom"`
	CategoryName string               `json:"category_name"`
	Type         string               `json:"type"`
	IsSellable   bool                 `json:"is_sellable"`
	ArchivedAt   *wireTime            `json:"archived_at"`
	Variants     []wireServiceVariant `json:"variants"`
	wireStamps
}

type wireServiceVariant struct {
	ID           int64       `json:"id"`
	SKU          *string     `json:"sku"`
	ServiceID    int64       `json:"service_id"`
	Type         string      `json:"type"`
	SalesPrice   json.Number `json:"sales_price"`
	DefaultCost  json.Number `json:"default_cost"`
	CustomFields []struct{}  `json:"custom_fields"`
	wireStamps
}

// wireInventory is one row of /inventory: no id, no times, and every figure
// a string.
type wireInventory struct {
	VariantID               int64         `json:"variant_id"`
	LocationID              int64         `json:"location_id"`
	SafetyStockLevel        string        `json:"safety_stock_level"`
	ReorderPoint            string        `json:"reorder_point"`
	AverageCost             string        `json:"average_cost"`
	ValueInStock            string        `json:"value_in_stock"`
	QuantityInStock         string        `json:"quantity_in_stock"`
	QuantityCommitted       string        `json:"quantity_committed"`
	QuantityExpected        string        `json:"quantity_expected"`
	QuantityMissingOrExcess string        `json:"quantity_missing_or_excess"`
	QuantityPotential       *string       `json:"quantity_potential"` // null unless it is a kit
	ArchivedAt              *wireTime     `json:"archived_at"`
	DefaultStorageBin       any           `json:"default_storage_bin"`
	Variant                 *wireVariant  `json:"variant,omitempty"`
	Location                *wireLocation `json:"location,omitempty"`
}

type wireSalesOrder struct {
	ID                 int64               `json:"id"`
	CustomerID         int64               `json:"customer_id"`
	OrderNo            string              `json:"order_no"`
	Source             *string             `json:"source"`
	OrderCreatedDate   wireTime            `json:"order_created_date"`
	LocationID         int64               `json:"location_id"`
	Status             string              `json:"status"`
	Currency           string              `json:"currency"`
	InvoicingStatus    string              `json:"invoicing_status"`
	EcommerceOrderType *string             `json:"ecommerce_order_type"`
	EcommerceStoreName *string             `json:"ecommerce_store_name"`
	EcommerceOrderID   *string             `json:"ecommerce_order_id"`
	SalesOrderRows     []wireSalesOrderRow `json:"sales_order_rows"` // live rows only
	wireStamps
}

type wireSalesOrderRow struct {
	ID                         int64       `json:"id"`
	SalesOrderID               int64       `json:"sales_order_id"`
	VariantID                  int64       `json:"variant_id"`
	Quantity                   json.Number `json:"quantity"`
	LocationID                 *int64      `json:"location_id"` // null: the order's
	LinkedManufacturingOrderID *int64      `json:"linked_manufacturing_order_id"`
	ProductAvailability        *string     `json:"product_availability"`
	wireStamps
}

// wireFulfillment carries no created_at and updated_at, although it can be
// filtered by them.
type wireFulfillment struct {
	ID           int64                `json:"id"`
	SalesOrderID int64                `json:"sales_order_id"`
	Status       string               `json:"status"`
	PickedDate   wireTime             `json:"picked_date"`
	Rows         []wireFulfillmentRow `json:"sales_order_fulfillment_rows"`
}

type wireFulfillmentRow struct {
	ID              int64       `json:"id"`
	SalesOrderRowID int64       `json:"sales_order_row_id"`
	Quantity        json.Number `json:"quantity"`
}

type wireManufacturingOrder struct {
	ID                     int64        `json:"id"`
	Status                 string       `json:"status"`
	OrderNo                string       `json:"order_no"`
	VariantID              int64        `json:"variant_id"`
	LocationID             int64        `json:"location_id"`
	PlannedQuantity        json.Number  `json:"planned_quantity"`
	ActualQuantity         *json.Number `json:"actual_quantity"`
	CompletedQuantity      json.Number  `json:"completed_quantity"`
	RemainingQuantity      json.Number  `json:"remaining_quantity"`
	IsLinkedToSalesOrder   bool         `json:"is_linked_to_sales_order"`
	SalesOrderID           int64        `json:"sales_order_id,omitempty"`
	SalesOrderRowID        int64        `json:"sales_order_row_id,omitempty"`
	DoneDate               *wireTime    `json:"done_date"`
	OrderCreatedDate       wireTime     `json:"order_created_date"`
	IngredientAvailability *string      `json:"ingredient_availability"`
	wireStamps
}

// wireRecipeRow is one ingredient of a manufacturing order. It mixes strings
// and numbers as live answers do.
type wireRecipeRow struct {
	ID                     int64       `json:"id"`
	ManufacturingOrderID   int64       `json:"manufacturing_order_id"`
	VariantID              int64       `json:"variant_id"`
	PlannedQuantityPerUnit string      `json:"planned_quantity_per_unit"`
	TotalActualQuantity    *string     `json:"total_actual_quantity"`
	TotalConsumedQuantity  json.Number `json:"total_consumed_quantity"`
	TotalRemainingQuantity json.Number `json:"total_remaining_quantity"`
	IngredientAvailability string      `json:"ingredient_availability"`
	wireStamps
}

// wireBOMRow knows no deleted_at: a deleted row is gone.
type wireBOMRow struct {
	ID                  string      `json:"id"` // UUID
	ProductItemID       int64       `json:"product_item_id"`
	ProductVariantID    int64       `json:"product_variant_id"`
	IngredientVariantID int64       `json:"ingredient_variant_id"`
	Quantity            json.Number `json:"quantity"`
	Notes               *string     `json:"notes"`
	Rank                int         `json:"rank"`
	CreatedAt           wireTime    `json:"created_at"`
	UpdatedAt           wireTime    `json:"updated_at"`
}

type wireMovement struct {
	ID                 int64       `json:"id"`
	VariantID          int64       `json:"variant_id"`
	LocationID         int64       `json:"location_id"`
	ResourceType       string      `json:"resource_type"`
	ResourceID         int64       `json:"resource_id"`
	CausedByOrderNo    string      `json:"caused_by_order_no,omitempty"`
	CausedByResourceID int64       `json:"caused_by_resource_id,omitempty"`
	MovementDate       wireTime    `json:"movement_date"`
	QuantityChange     json.Number `json:"quantity_change"`
	BalanceAfter       json.Number `json:"balance_after"`
	ValuePerUnit       json.Number `json:"value_per_unit"`
	ValueInStockAfter  json.Number `json:"value_in_stock_after"`
	AverageCostAfter   json.Number `json:"average_cost_after"`
	Rank               int         `json:"rank"`
	CreatedAt          wireTime    `json:"created_at"`
	UpdatedAt          wireTime    `json:"updated_at"`
}

type wireFactory struct {
	LegalName        string `json:"legal_name"`
	DisplayName      string `json:"display_name"`
	BaseCurrencyCode string `json:"base_currency_code"`
}
