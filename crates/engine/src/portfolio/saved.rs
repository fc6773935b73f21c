//! The ledger written down.

use pampero_model::{Currency, Timestamp, VenueId};
use serde::{Deserialize, Serialize};

use super::position::Position;
use super::worth::worth;
use super::{Portfolio, RateSource};
use crate::wide::add;

/// What a portfolio is restored from. Reservations follow from the open orders, equity from totals and rates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PortfolioCheckpoint {
    assets: Vec<SavedAsset>,
    positions: Vec<Position>,
    unpriced: Vec<bool>,
    unvalued: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SavedAsset {
    venue: VenueId,
    currency: Currency,
    rate: i64,
    rate_at: Timestamp,
    /// By owner.
    totals: Vec<i128>,
}

impl Portfolio {
    pub(crate) fn checkpoint(&self) -> PortfolioCheckpoint {
        let assets = self.assets.iter().map(|asset| SavedAsset {
            venue: asset.venue,
            currency: asset.currency,
            rate: asset.rate,
            rate_at: asset.rate_at,
            totals: asset.holdings.iter().map(|holding| holding.total).collect(),
        });
        PortfolioCheckpoint {
            assets: assets.collect(),
            positions: self.positions.clone(),
            unpriced: self.unpriced.clone(),
            unvalued: self.unvalued,
        }
    }

    /// Takes up the totals, nothing reserved. None, and nothing changed, if the currencies or their number differ.
    pub(crate) fn restore(&mut self, saved: &PortfolioCheckpoint) -> Option<()> {
        let fits = saved.assets.len() == self.assets.len()
            && saved.positions.len() == self.positions.len()
            && saved.unpriced.len() == self.unpriced.len()
            && self.assets.iter().zip(&saved.assets).all(|(asset, saved)| {
                (asset.venue, asset.currency, asset.holdings.len())
                    == (saved.venue, saved.currency, saved.totals.len())
            });
        if !fits {
            return None;
        }
        self.equity.fill(0);
        (self.total_equity, self.report_total) = (0, 0);
        for (asset, saved) in self.assets.iter_mut().zip(&saved.assets) {
            // A rate that the configuration fixes is the configuration's of now.
            let fixed = asset.source == RateSource::Report
                || (asset.source == RateSource::External && saved.rate_at == Timestamp::MAX);
            if !fixed {
                (asset.rate, asset.rate_at) = (saved.rate, saved.rate_at);
            }
            let owners = asset.holdings.iter_mut().zip(&mut self.equity).zip(&saved.totals);
            for ((holding, equity), total) in owners {
                (holding.total, holding.reserved) = (*total, 0);
                *equity = add(*equity, worth(*total, asset.rate));
                self.total_equity = add(self.total_equity, worth(*total, asset.rate));
                if asset.source == RateSource::Report {
                    self.report_total = add(self.report_total, *total);
                }
            }
        }
        self.positions.clone_from(&saved.positions);
        self.unpriced.clone_from(&saved.unpriced);
        self.unvalued = saved.unvalued;
        Some(())
    }
}
