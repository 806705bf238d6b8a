//! Agents that lie, hang, send rubbish or speak another protocol: a clear error in bounded time, and nobody waits for ever.
use std::time::Duration;

use bytes::BytesMut;
use slurmdash::hands::far::frame::{self, Frame, Kind, Reader};
use slurmdash::hands::far::hello::{self, AgentHello};
use slurmdash::hands::far::message::Answer;
use slurmdash::hands::far::{Far, Limits};
use slurmdash::hands::{Command, HandsError, Place, UnixUser};
use tokio::io::{AsyncWriteExt as _, DuplexStream, duplex};

fn ada() -> UnixUser {
    UnixUser { name: "ada".into(), uid: 1234, gid: 1234, home: "/home/ada".into() }
}

fn greeting(uid: u32) -> AgentHello {
    AgentHello {
        program: "1.0".into(),
        uid,
        gid: uid,
        login: "ada".into(),
        home: "/home/ada".into(),
        digest: None,
        descriptors: false,
    }
}

/// Greets an agent that does this.
async fn greet<F: Future<Output = ()> + Send + 'static>(
    agent: impl FnOnce(DuplexStream) -> F,
) -> Result<Far, HandsError> {
    let (ours, theirs) = duplex(1 << 20);
    tokio::spawn(agent(theirs));
    let half = Duration::from_millis(500);
    let limits = Limits { hello: half, call: half, sync: half, margin: half };
    tokio::time::timeout(Duration::from_secs(10), Far::start(Box::new(ours), &ada(), None, limits)).await.unwrap()
}

#[tokio::test]
async fn what_is_no_agent_is_told() {
    let reason = |started: Result<Far, HandsError>| match started {
        Err(HandsError::NoAgent { reason, .. } | HandsError::Protocol(reason)) => reason,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was taken"),
    };
    let rubbish = greet(async |mut stream| {
        let _ = stream.write_all(&vec![b'z'; 200_000]).await;
        std::future::pending::<()>().await;
    });
    assert!(reason(rubbish.await).contains("zzz"), "what came instead is shown");
    let gone = greet(async |mut stream| stream.write_all(b"bash: slurmdash: not found").await.unwrap());
    assert!(reason(gone.await).contains("not found"));
    let silent = greet(async |stream| {
        let _stream = stream;
        std::future::pending::<()>().await;
    });
    assert!(reason(silent.await).contains("said nothing"));
    let newer = greet(async |mut stream| {
        let mut wire = Vec::new();
        hello::write(&mut wire, &greeting(1234)).await.unwrap();
        wire[17] = 99;
        stream.write_all(&wire).await.unwrap();
        std::future::pending::<()>().await;
    });
    let newer = reason(newer.await);
    assert!(newer.contains("protocol 99") && newer.contains("same version"), "{newer}");
    let somebody_else = greet(async |mut stream| {
        hello::write(&mut stream, &greeting(0)).await.unwrap();
        std::future::pending::<()>().await;
    });
    assert!(reason(somebody_else.await).contains("user number 0"));
}

/// Greets, waits for the first request, and then does this.
async fn after_a_request<F: Future<Output = ()> + Send + 'static>(
    then: impl FnOnce(DuplexStream, u64) -> F + Send + 'static,
) -> Far {
    greet(async move |mut stream: DuplexStream| {
        let mut buffer = BytesMut::new();
        hello::read_client(&mut stream, &mut buffer).await.unwrap();
        hello::write(&mut stream, &greeting(1234)).await.unwrap();
        let mut reader = Reader::new(&mut stream, buffer);
        let Ok(Some(first)) = reader.next().await else { return };
        drop(reader);
        then(stream, first.id).await;
    })
    .await
    .unwrap()
}

async fn send(stream: &mut DuplexStream, frame: Frame) {
    frame::write(stream, &frame).await.unwrap();
    stream.flush().await.unwrap();
}

#[tokio::test]
async fn an_agent_that_breaks_the_rules_is_cut_off() {
    let never_asked = after_a_request(async |mut stream, id| {
        send(&mut stream, Frame::new(Kind::Answer, id + 1000, &Answer::Done, Vec::new()).unwrap()).await;
        std::future::pending::<()>().await;
    });
    let too_much = after_a_request(async |mut stream, id| {
        send(&mut stream, Frame::plain(Kind::Data, id, vec![0; 100_000])).await;
        std::future::pending::<()>().await;
    });
    let huge = after_a_request(async |mut stream, _| {
        stream.write_all(&[0xff; 64]).await.unwrap();
        std::future::pending::<()>().await;
    });
    let a_request = after_a_request(async |mut stream, id| {
        send(&mut stream, Frame::plain(Kind::Request, id, Vec::new())).await;
        std::future::pending::<()>().await;
    });
    for far in [never_asked.await, too_much.await, huge.await, a_request.await] {
        let refused = far.stat(&Place::at("/")).await.unwrap_err();
        assert!(matches!(refused, HandsError::Protocol(_)), "{refused}");
        assert!(far.is_over());
        assert!(matches!(far.stat(&Place::at("/")).await, Err(HandsError::NotSent(_))), "nothing more is sent there");
    }
}

#[tokio::test]
async fn an_agent_that_hangs_or_goes_keeps_nobody_waiting() {
    let hangs = after_a_request(async |stream, _| {
        let _stream = stream;
        std::future::pending::<()>().await;
    });
    let late = hangs.await.stat(&Place::at("/")).await.unwrap_err();
    assert!(matches!(late, HandsError::TimedOut { .. }), "{late}");
    let goes = after_a_request(async |stream, _| drop(stream)).await;
    let lost = goes.run(&Command::new("true")).await.unwrap_err();
    assert!(matches!(lost, HandsError::Lost(_)), "nobody knows whether it was done: {lost}");
    let lies = after_a_request(async |mut stream, id| {
        send(&mut stream, Frame::new(Kind::Answer, id, &Answer::Done, Vec::new()).unwrap()).await;
        std::future::pending::<()>().await;
    });
    let wrong = lies.await.space(&Place::at("/")).await.unwrap_err();
    assert!(matches!(wrong, HandsError::Protocol(_)), "{wrong}");
}
