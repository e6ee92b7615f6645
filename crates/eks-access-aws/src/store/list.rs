//! The incidents that are remembered, for people.

use super::owed::{self, IncidentRow};
use super::row::Row;
use super::{Due, STATE, Store, StoreError};

/// Rows that are looked at: a list of more is no list to read.
const MOST: usize = 20_000;

impl Store {
    /// Every incident that is remembered. It reads the whole table, which is small: rows end by themselves.
    ///
    /// # Errors
    /// When the table can't be read.
    pub async fn incidents(&self) -> Result<Vec<IncidentRow>, StoreError> {
        let mut found = Vec::new();
        let mut from = None;
        let mut seen = 0;
        loop {
            let page = self
                .client
                .scan()
                .table_name(&self.table)
                .set_exclusive_start_key(from.take())
                .send()
                .await?;
            let rows: Vec<Row> = page
                .items
                .unwrap_or_default()
                .into_iter()
                .map(Row)
                .collect();
            seen += rows.len();
            found.extend(rows.iter().filter_map(|row| {
                let pk = row.text("pk")?.to_owned();
                let sk = row.text("sk").filter(|sk| *sk == STATE)?.to_owned();
                owed::incident_row(&Due { pk, sk }, row)
            }));
            from = page.last_evaluated_key;
            if from.is_none() || seen >= MOST {
                return Ok(found);
            }
        }
    }
}
