//! The frame of the page: what stands where.

use std::fmt::Write as _;

use serde_json::Value as Json;

use crate::format::{duration, escape, instant};
use crate::html::payload::payload;
use crate::html::sections::{
    costs, denied, distribution, figures, inputs, monthly, presets, reproduce, statistics_table,
};
use crate::record::RunRecord;
use crate::statistics::Statistics;
use crate::svg::equity_svg;

const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");
const CHARTS: &str = include_str!("vendor/uPlot.iife.min.js");
const CHARTS_STYLE: &str = include_str!("vendor/uPlot.min.css");
const CHARTS_LICENSE: &str = include_str!("vendor/LICENSE-uPlot");
/// Nothing is ever fetched, whatever a strategy's name or a note contains.
const POLICY: &str =
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:";

/// The report of a run as a self-contained HTML document, light or dark as the reader's system is. The same run gives
/// the same bytes.
pub fn render_html(record: &RunRecord, statistics: &Statistics) -> String {
    let (meta, data) = payload(record);
    let inputs_of_run = &record.inputs;
    let title = escape(&format!("{} on {}", inputs_of_run.strategy, record.market_name(record.main_market)));
    let mut page = String::with_capacity(data.len() + 200_000);
    // Writing into a string cannot fail.
    let _ = write!(
        page,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"generator\" content=\"pampero {version}\">\n<title>{title}</title>\n\
         <style>{CHARTS_STYLE}\n{STYLE}</style>\n</head>\n<body>\n",
        version = escape(&inputs_of_run.version),
    );
    page.push_str(&header(record, statistics, &title));
    page.push_str(&figures(record, statistics));
    page.push_str(&charts(record));
    let section = |page: &mut String, parts: &[String]| {
        let _ = write!(page, "<div class=\"columns\">\n{}</div>\n", parts.concat());
    };
    page.push_str(&monthly(record));
    // Two stacks of about the same height where there is room for two.
    let stack = |parts: [String; 2]| format!("<div>\n{}</div>\n", parts.concat());
    section(
        &mut page,
        &[
            stack([distribution(record, statistics), denied(statistics)]),
            stack([costs(record, statistics), presets(record)]),
        ],
    );
    page.push_str(&statistics_table(record, statistics));
    section(&mut page, &[inputs(record), reproduce(record)]);
    page.push_str(&footer(record));
    // Without a script, or with one too old, the picture stands for the charts.
    let picture = equity_svg(record, statistics);
    let _ = write!(
        page,
        "<script type=\"text/plain\" id=\"picture\">{picture}</script>\n\
         <script type=\"application/json\" id=\"meta\">{}</script>\n\
         <script type=\"text/plain\" id=\"data\">{data}</script>\n\
         <script>\n/*\n{CHARTS_LICENSE}\n*/\n{CHARTS}</script>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n",
        in_script(&meta),
    );
    page
}

/// JSON that no text in it can end the script element with.
fn in_script(json: &Json) -> String {
    json.to_string().replace('<', "\\u003c")
}

fn header(record: &RunRecord, statistics: &Statistics, title: &str) -> String {
    let inputs = &record.inputs;
    let mut header = format!(
        "<header>\n<h1>{title}</h1>\n<p class=\"lead\">{} to {} UTC ({}), fills simulated by the model \
         <b>{}</b></p>\n",
        instant(inputs.from),
        instant(inputs.to),
        duration(statistics.length),
        escape(&inputs.fill_model),
    );
    if inputs.synthetic {
        header.push_str(
            "<p class=\"notice\" role=\"note\"><strong>SYNTHETIC DATA</strong> The prices were generated and not \
             observed on any market: the figures say how the program works, and nothing about what the strategy \
             earns.</p>\n",
        );
    }
    for note in &inputs.notes {
        let _ = writeln!(header, "<p class=\"note\">{}</p>", escape(note));
    }
    header.push_str("</header>\n");
    header
}

fn charts(record: &RunRecord) -> String {
    if record.equity.is_empty() {
        return String::new();
    }
    let market = escape(&record.market_name(record.main_market));
    let other = record.fills.iter().filter(|filled| filled.fill.market != record.main_market).count();
    let more = if other > 0 {
        format!(" Fills of other markets ({other}) are not drawn; they are in fills.csv.")
    } else {
        String::new()
    };
    let chart = |id: &str, title: &str| {
        format!(
            "<section class=\"chart\" id=\"{id}\"><header><h3>{title}</h3><span class=\"readout\"></span></header>\
             <div class=\"plot\" tabindex=\"0\" role=\"group\" aria-label=\"{title}: arrow keys move, plus and minus \
             zoom, Home shows the whole run\"></div></section>\n"
        )
    };
    let charts = [
        chart("equity", &format!("Equity in {}", record.report_currency)),
        chart("drawdown", "Drawdown"),
        chart("price", &format!("Price of {market}, entries and exits")),
        chart("position", &format!("Position in {market}")),
        chart("exposure", "Exposure"),
    ];
    format!(
        "<div class=\"card long\" id=\"charts\">\n<div class=\"toolbar\" id=\"toolbar\" role=\"toolbar\" \
         aria-label=\"What the charts show\"><output></output></div>\n{}<p class=\"hint\">Drag across a chart to zoom, \
         double-click to see the whole run; Ctrl and the wheel zoom where the pointer is. Values shown are those of \
         the data, whatever is drawn. All times are UTC.{more}</p>\n<noscript><p class=\"hint\">The charts need \
         JavaScript; the figures below do not.</p></noscript>\n</div>\n",
        charts.concat()
    )
}

fn footer(record: &RunRecord) -> String {
    format!(
        "<footer><p>Made by pampero {}. All times are UTC; amounts are in {} unless said otherwise. What is undefined is \
         n/a and never zero. A backtest is a simulation: it is no promise. Charts by uPlot, \u{a9} 2022 Leon Sorokin, \
         MIT licence.</p></footer>\n",
        escape(&record.inputs.version),
        record.report_currency,
    )
}
