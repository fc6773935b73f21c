//! The report as one HTML file that needs nothing else: style, script, chart library and data are in it.

mod histogram;
mod months;
mod page;
mod payload;
mod sections;

pub use page::render_html;
