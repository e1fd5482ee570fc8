//! One thing that can be asked: how, by whom, and what goes in and out.
//!
//! What goes in and out is read off the handler's own signature, so that the document that is made of it cannot say
//! something else than the code does.

use std::future::Future;

use axum::Json;
use axum::extract::State;
use axum::handler::Handler;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, on};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};

use super::answer::{Done, Made, Page, Taken};
use super::body::{Body, Path, Query, Raw};
use super::packets::Upgrade;
use super::{App, Problem};
use crate::auth::{Caller, Need};

/// See the module.
#[derive(Debug)]
pub(crate) struct Operation {
    /// As documents write it: in small letters.
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) about: &'static str,
    pub(super) need: Need,
    pub(super) shape: Shape,
    pub(super) route: MethodRouter<App>,
}

/// What goes in and out.
#[derive(Debug, Default)]
pub(super) struct Shape {
    pub(super) body: Option<Content>,
    pub(super) query: Option<Schema>,
    pub(super) status: u16,
    pub(super) answer: Option<Content>,
}

/// What a body is.
#[derive(Debug)]
pub(super) enum Content {
    Json(Box<Schema>),
    Bytes,
    Text,
}

/// What a handler asks of a request.
pub(super) trait Asks {
    fn note(shape: &mut Shape);
}

/// What a handler answers.
pub(super) trait Answers {
    fn note(shape: &mut Shape);
}

/// A handler whose signature says what goes in and out.
pub(super) trait Signature<A> {
    fn shape() -> Shape;
}

/// Something that is read.
pub(super) fn get<H, T, A>(path: &'static str, need: Need, about: &'static str, handler: H) -> Operation
where
    H: Handler<T, App> + Signature<A>,
    T: 'static,
{
    Operation::new(("get", MethodFilter::GET), path, (need, about), handler)
}

/// Something that is made or done.
pub(super) fn post<H, T, A>(path: &'static str, need: Need, about: &'static str, handler: H) -> Operation
where
    H: Handler<T, App> + Signature<A>,
    T: 'static,
{
    Operation::new(("post", MethodFilter::POST), path, (need, about), handler)
}

/// Something that is set.
pub(super) fn put<H, T, A>(path: &'static str, need: Need, about: &'static str, handler: H) -> Operation
where
    H: Handler<T, App> + Signature<A>,
    T: 'static,
{
    Operation::new(("put", MethodFilter::PUT), path, (need, about), handler)
}

/// Something that ends.
pub(super) fn delete<H, T, A>(path: &'static str, need: Need, about: &'static str, handler: H) -> Operation
where
    H: Handler<T, App> + Signature<A>,
    T: 'static,
{
    Operation::new(("delete", MethodFilter::DELETE), path, (need, about), handler)
}

impl Operation {
    fn new<H, T, A>(
        (method, filter): (&'static str, MethodFilter),
        path: &'static str,
        (need, about): (Need, &'static str),
        handler: H,
    ) -> Self
    where
        H: Handler<T, App> + Signature<A>,
        T: 'static,
    {
        Self { method, path, about, need, shape: H::shape(), route: on(filter, handler) }
    }
}

macro_rules! signatures {
    ($(($($asks:ident)*))*) => {$(
        impl<F, O, R, $($asks),*> Signature<($($asks,)*)> for F
        where
            F: Fn($($asks),*) -> O,
            O: Future<Output = R>,
            R: Answers,
            $($asks: Asks,)*
        {
            fn shape() -> Shape {
                let mut shape = Shape { status: 200, ..Shape::default() };
                $($asks::note(&mut shape);)*
                R::note(&mut shape);
                shape
            }
        }
    )*};
}
signatures! { () (A) (A B) (A B C) (A B C D) (A B C D E) }

macro_rules! asks_nothing_of_note {
    ($($part:ty)*) => {$(
        impl Asks for $part {
            fn note(_: &mut Shape) {}
        }
    )*};
}
asks_nothing_of_note!(State<App> HeaderMap Caller Upgrade);

// Names in the path stand there.
impl<T> Asks for Path<T> {
    fn note(_: &mut Shape) {}
}

impl<T: JsonSchema> Asks for Body<T> {
    fn note(shape: &mut Shape) {
        shape.body = Some(Content::Json(Box::new(schema::<T>(SchemaSettings::for_deserialize))));
    }
}

impl Asks for Raw {
    fn note(shape: &mut Shape) {
        shape.body = Some(Content::Bytes);
    }
}

impl<T: JsonSchema> Asks for Query<T> {
    fn note(shape: &mut Shape) {
        shape.query = Some(schema::<T>(SchemaSettings::for_deserialize));
    }
}

impl<T: Answers> Answers for Result<T, Problem> {
    fn note(shape: &mut Shape) {
        T::note(shape);
    }
}

impl<T: JsonSchema> Answers for Json<T> {
    fn note(shape: &mut Shape) {
        shape.answer = Some(Content::Json(Box::new(schema::<T>(SchemaSettings::for_serialize))));
    }
}

impl<T: JsonSchema> Answers for Made<T> {
    fn note(shape: &mut Shape) {
        shape.status = 201;
        Json::<T>::note(shape);
    }
}

impl Answers for Done {
    fn note(shape: &mut Shape) {
        shape.status = 204;
    }
}

impl Answers for Taken {
    fn note(shape: &mut Shape) {
        shape.status = 202;
    }
}

impl Answers for Page {
    fn note(shape: &mut Shape) {
        shape.answer = Some(Content::Text);
    }
}

// Whatever is answered so is a WebSocket.
impl Answers for Response {
    fn note(shape: &mut Shape) {
        shape.status = 101;
    }
}

/// With everything in it where it stands: a reader sees at once what a request needs.
fn schema<T: JsonSchema>(for_whom: fn(SchemaSettings) -> SchemaSettings) -> Schema {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    for_whom(settings).into_generator().into_root_schema_for::<T>()
}
