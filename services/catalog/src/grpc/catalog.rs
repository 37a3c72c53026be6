//! Service `latchkey.catalog.v1.Catalog`.

use std::sync::Arc;

use names::{AccountId, ChannelName, LabelName, Level, Login, PackageKind, Privacy, Subdir, Subject};
use proto::catalog::v1 as api;
use proto::catalog::v1::catalog_server::{Catalog as Api, CatalogServer};
use proto::event::v1 as stored;
use runtime::Failure;
use runtime::grpc::MAX_MESSAGE_BYTES;
use tonic::{Request, Response, Status};

use super::{asker, group, invalid, package};
use crate::app::{
    Catalog, ChannelChange, ChannelChanges, ChannelView, Conflict, Copying, Expected, Given, Grantee,
    Labelling, NewChannel, Published, Removal, Upload,
};
use crate::domain::artifacts::{Labels, Place};
use crate::events::{
    indexing_from_stored, indexing_to_stored, kind_from_stored, kind_to_stored, level_from_stored,
    level_to_stored, privacy_from_stored, privacy_to_stored,
};
use crate::page::PageToken;

/// Channels on one page, unless fewer are asked for.
const PAGE_SIZE: usize = 100;
/// Channels on one page, at most.
const MAX_PAGE_SIZE: usize = 1_000;
/// Files in one change, at most.
const MAX_FILES: usize = 1_000;

/// The API over the service.
pub struct CatalogApi(pub Arc<Catalog>);

impl CatalogApi {
    /// Ready to be added to a server.
    pub fn into_server(self) -> CatalogServer<Self> {
        CatalogServer::new(self).max_decoding_message_size(MAX_MESSAGE_BYTES)
    }
}

#[tonic::async_trait]
impl Api for CatalogApi {
    async fn create_channel(
        &self,
        request: Request<api::CreateChannelRequest>,
    ) -> Result<Response<api::ChannelReply>, Status> {
        let asker = asker(&self.0, request.metadata()).await;
        let request = request.into_inner();
        let owner = match (request.owner.as_str(), request.owner_id.as_str()) {
            ("", _) => None,
            (login, "") => Some(self.0.owner_named(&Login::parse(login).map_err(invalid)?).await?),
            (_, _) => return Err(invalid("say whose channel it is in one way: by login, or by id").into()),
        };
        let new = new_channel(request)?;
        let new = NewChannel { owner: owner.or(new.owner), ..new };
        Ok(Response::new(reply(Box::pin(self.0.create_channel(&asker, new)).await?)))
    }

    async fn set_channel(
        &self,
        request: Request<api::SetChannelRequest>,
    ) -> Result<Response<api::ChannelReply>, Status> {
        let asker = asker(&self.0, request.metadata()).await;
        let request = request.into_inner();
        let privacy = request.privacy.map(|privacy| {
            stored::Privacy::try_from(privacy).ok().and_then(privacy_from_stored).ok_or_else(no_privacy)
        });
        let indexing = request.indexing.map(|indexing| {
            stored::Indexing::try_from(indexing).map(indexing_from_stored).map_err(|_unknown| no_indexing())
        });
        let changes = ChannelChanges {
            privacy: privacy.transpose()?,
            description: request.description,
            indexing: indexing.transpose()?,
        };
        let change = self.0.set_channel(&asker, &request.channel, changes);
        Ok(Response::new(reply(Box::pin(change).await?)))
    }

    async fn grant_channel(
        &self,
        request: Request<api::GrantChannelRequest>,
    ) -> Result<Response<api::ChannelReply>, Status> {
        let asker = asker(&self.0, request.metadata()).await;
        let request = request.into_inner();
        let level = level(request.level)?;
        let grantee = grantee(&request.account_id, &request.login, request.group.as_ref())?;
        let change = self.0.grant_channel(&asker, &request.channel, grantee, level);
        Ok(Response::new(reply(Box::pin(change).await?)))
    }

    async fn delete_channel(
        &self,
        request: Request<api::ChannelRequest>,
    ) -> Result<Response<api::ChannelReply>, Status> {
        let asker = asker(&self.0, request.metadata()).await;
        let change = self.0.delete_channel(&asker, &request.get_ref().channel);
        Ok(Response::new(reply(Box::pin(change).await?)))
    }

    async fn show_channel(
        &self,
        request: Request<api::ChannelRequest>,
    ) -> Result<Response<api::Channel>, Status> {
        let asker = asker(&self.0, request.metadata()).await;
        Ok(Response::new(channel(self.0.show_channel(&asker, &request.get_ref().channel)?)))
    }

    async fn list_channels(
        &self,
        request: Request<api::ListChannelsRequest>,
    ) -> Result<Response<api::ListChannelsReply>, Status> {
        let asker = asker(&self.0, request.metadata()).await;
        let request = request.into_inner();
        let size = match usize::try_from(request.page_size).unwrap_or(MAX_PAGE_SIZE) {
            0 => PAGE_SIZE,
            size => size.min(MAX_PAGE_SIZE),
        };
        let page = self.0.list_channels(&asker, size, PageToken::parse(&request.page_token).as_ref())?;
        Ok(Response::new(api::ListChannelsReply {
            channels: page.channels.into_iter().map(channel).collect(),
            next_page_token: page.next.map(|next| next.as_str().to_owned()).unwrap_or_default(),
            total: page.total,
        }))
    }

    async fn create_group(
        &self,
        request: Request<api::CreateGroupRequest>,
    ) -> Result<Response<api::GroupReply>, Status> {
        let asker = asker(&self.0, request.metadata()).await;
        let new = group::new(request.into_inner())?;
        Ok(Response::new(group::reply(Box::pin(self.0.create_group(&asker, new)).await?)))
    }

    async fn set_group(
        &self,
        request: Request<api::SetGroupRequest>,
    ) -> Result<Response<api::GroupReply>, Status> {
        let asker = asker(&self.0, request.metadata()).await;
        let (which, changes) = group::changes(request.into_inner())?;
        Ok(Response::new(group::reply(Box::pin(self.0.set_group(&asker, &which, changes)).await?)))
    }

    async fn change_members(
        &self,
        request: Request<api::ChangeMembersRequest>,
    ) -> Result<Response<api::GroupReply>, Status> {
        let asker = asker(&self.0, request.metadata()).await;
        let (which, add, remove) = group::members(request.into_inner())?;
        let change = Box::pin(self.0.change_members(&asker, &which, (&add, &remove)));
        Ok(Response::new(group::reply(change.await?)))
    }

    async fn delete_group(
        &self,
        request: Request<api::GroupRequest>,
    ) -> Result<Response<api::GroupReply>, Status> {
        let asker = asker(&self.0, request.metadata()).await;
        let which = group::which(Some(request.get_ref()))?;
        Ok(Response::new(group::reply(Box::pin(self.0.delete_group(&asker, &which)).await?)))
    }

    async fn create_package(
        &self,
        request: Request<api::CreatePackageRequest>,
    ) -> Result<Response<api::PackageReply>, Status> {
        let asker = asker(&self.0, request.metadata()).await;
        let request = request.into_inner();
        let which = package::which(request.package)?;
        let change = Box::pin(self.0.create_package(&asker, &which, request.private));
        Ok(Response::new(package::reply(change.await?)))
    }

    async fn set_package(
        &self,
        request: Request<api::SetPackageRequest>,
    ) -> Result<Response<api::PackageReply>, Status> {
        let asker = asker(&self.0, request.metadata()).await;
        let request = request.into_inner();
        let which = package::which(request.package)?;
        let change = Box::pin(self.0.set_package(&asker, &which, request.private));
        Ok(Response::new(package::reply(change.await?)))
    }

    async fn grant_package(
        &self,
        request: Request<api::GrantPackageRequest>,
    ) -> Result<Response<api::PackageReply>, Status> {
        let asker = asker(&self.0, request.metadata()).await;
        let request = request.into_inner();
        let level = level(request.level)?;
        let grantee = grantee(&request.account_id, &request.login, request.group.as_ref())?;
        let which = package::which(request.package)?;
        let change = Box::pin(self.0.grant_package(&asker, &which, grantee, level));
        Ok(Response::new(package::reply(change.await?)))
    }

    async fn delete_package(
        &self,
        request: Request<api::PackageRequest>,
    ) -> Result<Response<api::PackageReply>, Status> {
        let asker = asker(&self.0, request.metadata()).await;
        let which = package::which(Some(request.into_inner()))?;
        Ok(Response::new(package::reply(Box::pin(self.0.delete_package(&asker, &which)).await?)))
    }

    async fn publish(
        &self,
        request: Request<api::PublishRequest>,
    ) -> Result<Response<api::PublishReply>, Status> {
        let asker = asker(&self.0, request.metadata()).await;
        let upload = upload(request.into_inner())?;
        Ok(Response::new(published(Box::pin(self.0.publish(&asker, upload)).await?)))
    }

    async fn remove_artifact(
        &self,
        request: Request<api::RemoveArtifactRequest>,
    ) -> Result<Response<api::RemoveArtifactReply>, Status> {
        let asker = asker(&self.0, request.metadata()).await;
        let request = request.into_inner();
        let kind = kind(request.kind())?;
        let place = Place { subdir: request.subdir, filename: request.filename };
        let removal = Removal { channel: request.channel, files: vec![(kind, place)] };
        let (catalog_seq, silent) = Box::pin(self.0.remove_artifacts(&asker, &removal)).await?;
        Ok(Response::new(api::RemoveArtifactReply { catalog_seq, silent }))
    }

    async fn remove_artifacts(
        &self,
        request: Request<api::RemoveArtifactsRequest>,
    ) -> Result<Response<api::RemoveArtifactReply>, Status> {
        let asker = asker(&self.0, request.metadata()).await;
        let request = request.into_inner();
        if request.files.len() > MAX_FILES {
            let most = format!("{MAX_FILES} files can be removed at once: send them in parts");
            return Err(invalid(most).into());
        }
        let removal = Removal { channel: request.channel, files: places(request.files)? };
        let (catalog_seq, silent) = Box::pin(self.0.remove_artifacts(&asker, &removal)).await?;
        Ok(Response::new(api::RemoveArtifactReply { catalog_seq, silent }))
    }

    async fn change_labels(
        &self,
        request: Request<api::ChangeLabelsRequest>,
    ) -> Result<Response<api::ChangeLabelsReply>, Status> {
        let asker = asker(&self.0, request.metadata()).await;
        let wish = labelling(request.into_inner())?;
        let done = Box::pin(self.0.change_labels(&asker, &wish)).await?;
        let (catalog_seq, silent, changed) = (done.catalog_seq, done.silent, done.changed);
        Ok(Response::new(api::ChangeLabelsReply { catalog_seq, silent, changed }))
    }

    async fn copy_artifacts(
        &self,
        request: Request<api::CopyArtifactsRequest>,
    ) -> Result<Response<api::CopyArtifactsReply>, Status> {
        let asker = asker(&self.0, request.metadata()).await;
        let wish = copying(request.into_inner())?;
        let done = Box::pin(self.0.copy(&asker, &wish)).await?;
        let place = |(kind, place): (PackageKind, Place)| api::Place {
            kind: kind_to_stored(kind).into(),
            subdir: place.subdir,
            filename: place.filename,
        };
        Ok(Response::new(api::CopyArtifactsReply {
            catalog_seq: done.catalog_seq,
            silent: done.silent,
            files: done.files.into_iter().map(place).collect(),
        }))
    }

    async fn lock_label(
        &self,
        request: Request<api::LockLabelRequest>,
    ) -> Result<Response<api::ChannelReply>, Status> {
        let asker = asker(&self.0, request.metadata()).await;
        let request = request.into_inner();
        let label = LabelName::parse(&request.label).map_err(invalid)?;
        let change = self.0.lock_label(&asker, &request.channel, &label, request.locked);
        Ok(Response::new(reply(Box::pin(change).await?)))
    }
}

fn new_channel(request: api::CreateChannelRequest) -> Result<NewChannel, Failure> {
    Ok(NewChannel {
        name: ChannelName::parse(&request.name).map_err(invalid)?,
        parent: Some(request.parent.clone()).filter(|parent| !parent.is_empty()),
        privacy: privacy_from_stored(request.privacy()).ok_or_else(no_privacy)?,
        owner: match request.owner_id.as_str() {
            "" => None,
            id => Some(id.parse::<AccountId>().map_err(invalid)?),
        },
        description: request.description,
    })
}

fn labelling(request: api::ChangeLabelsRequest) -> Result<Labelling, Failure> {
    if request.files.len() > MAX_FILES {
        return Err(invalid(format!(
            "labels of {MAX_FILES} files can be changed at once: send them in parts"
        )));
    }
    let (add, take) = (labels(&request.add)?, labels(&request.remove)?);
    if let Some(label) = add.intersection(&take).next() {
        return Err(invalid(format!("the label {label} cannot be given and taken at once")));
    }
    Ok(Labelling { channel: request.channel, files: places(request.files)?, add, take })
}

fn places(files: Vec<api::Place>) -> Result<Vec<(PackageKind, Place)>, Failure> {
    let place = |file: api::Place| {
        let kind = kind(file.kind())?;
        Ok((kind, Place { subdir: file.subdir, filename: file.filename }))
    };
    files.into_iter().map(place).collect()
}

fn copying(request: api::CopyArtifactsRequest) -> Result<Copying, Failure> {
    if request.files.len() > MAX_FILES {
        return Err(invalid(format!("{MAX_FILES} files can be copied at once: send them in parts")));
    }
    let conflict = match request.conflict() {
        api::CopyConflict::Refuse => Conflict::Refuse,
        api::CopyConflict::Replace => Conflict::Replace,
        api::CopyConflict::Skip => Conflict::Skip,
    };
    Ok(Copying {
        labels: labels(&request.labels)?,
        files: places(request.files)?,
        channel: request.channel,
        target: request.target,
        moves: request.r#move,
        conflict,
    })
}

fn labels(names: &[String]) -> Result<Labels, Failure> {
    names.iter().map(|name| LabelName::parse(name).map_err(invalid)).collect()
}

fn level(number: i32) -> Result<Option<Level>, Failure> {
    let level =
        stored::Level::try_from(number).map_err(|_| invalid("a level is none, read, write or manage"))?;
    Ok(level_from_stored(level))
}

fn grantee(id: &str, login: &str, group: Option<&api::GroupRequest>) -> Result<Grantee, Failure> {
    match (id, login, group) {
        ("", "", Some(group)) => group::which(Some(group)).map(Grantee::Group),
        (id, "", None) => id.parse().map(Grantee::Id).map_err(invalid),
        ("", login, None) => Login::parse(login).map(Grantee::Login).map_err(invalid),
        (_, _, _) => Err(invalid("say whose level it is in one way: by login, by id, or by group")),
    }
}

fn upload(request: api::PublishRequest) -> Result<Upload, Failure> {
    let expected = request.expected.clone().unwrap_or_default();
    Ok(Upload {
        kind: kind(request.kind())?,
        subdir: subdir(&request.subdir)?,
        expected: Expected {
            sha256: digest("SHA-256", &expected.sha256)?,
            md5: digest("MD5", &expected.md5)?,
            blake2_256: digest("BLAKE2b-256", &expected.blake2_256)?,
        },
        labels: labels(&request.labels)?,
        channel: request.channel,
        key: request.upload,
        filename: request.filename,
        force: request.force,
        form_name: request.form_name,
        form_version: request.form_version,
        private: request.private,
    })
}

fn digest<const N: usize>(what: &str, bytes: &[u8]) -> Result<Option<[u8; N]>, Failure> {
    match bytes {
        [] => Ok(None),
        bytes => {
            let digest = bytes.try_into().map_err(|_| invalid(format!("a {what} digest has {N} bytes")));
            digest.map(Some)
        }
    }
}

pub(super) fn kind(kind: stored::PackageKind) -> Result<PackageKind, Failure> {
    kind_from_stored(kind)
        .ok_or_else(|| invalid("say which kind of package it is: conda, pypi, notebook, environment or file"))
}

fn subdir(text: &str) -> Result<Option<Subdir>, Failure> {
    match text {
        "" => Ok(None),
        text => Subdir::parse(text).map(Some).map_err(invalid),
    }
}

fn no_privacy() -> Failure {
    invalid("say who may read the channel: public, authenticated or private")
}

fn no_indexing() -> Failure {
    invalid("say what becomes of uploads: default or frozen")
}

fn reply(change: ChannelChange) -> api::ChannelReply {
    api::ChannelReply {
        channel: Some(channel(change.channel)),
        authz_seq: change.authz_seq,
        receipt: Some(change.receipt),
    }
}

fn channel(view: ChannelView) -> api::Channel {
    let privacy: Privacy = view.privacy;
    api::Channel {
        id: view.id.to_string(),
        name: view.name,
        privacy: privacy_to_stored(privacy).into(),
        description: view.description,
        owner_id: view.owner.to_string(),
        level: level_to_stored(view.level).into(),
        indexing: indexing_to_stored(view.indexing).into(),
        grants: view.grants.into_iter().map(held).collect(),
    }
}

pub(super) fn held(given: Given) -> api::AccountLevel {
    let level = level_to_stored(Some(given.level)).into();
    let held = match given.subject {
        Subject::Account(id) => api::AccountLevel { account_id: id.to_string(), ..Default::default() },
        Subject::Group(id) => api::AccountLevel { group_id: id.to_string(), ..Default::default() },
    };
    match given.group {
        Some((organisation, group)) => {
            api::AccountLevel { level, group, organisation_id: organisation.to_string(), ..held }
        }
        None => api::AccountLevel { level, ..held },
    }
}

fn published(published: Published) -> api::PublishReply {
    api::PublishReply {
        artifact_id: published.id.to_string(),
        name: published.name,
        version: published.version,
        subdir: published.subdir,
        filename: published.filename,
        sha256: published.sha256.to_vec(),
        size_bytes: published.size_bytes,
        catalog_seq: published.catalog_seq,
        authz_seq: published.authz_seq,
        created: published.created,
        silent: published.silent,
        warnings: published.warnings,
    }
}
