//! Uploads: the drop zone, the rows, the indicator in the top bar.
use crate::i18n::catalogue;

catalogue! {
    /// Uploads: the drop zone, the rows, the indicator in the top bar.
    Uploads {
        drop_here => "Drag & drop files here", "파일을 여기로 끌어다 놓으세요";
        drop_or => "or choose them. Up to 20 go at once, and what was sent is kept when the line breaks.",
            "또는 직접 선택하세요. 최대 20개까지 함께 올릴 수 있으며, 연결이 끊겨도 전송된 부분은 유지됩니다.";
        limit(size: &str) => format!("Up to {size} a file."), format!("파일당 최대 {size}.");
        let_go => "Drop to add", "놓으면 추가됩니다";
        select => "Select Files", "파일 선택";
        start => "Start Upload", "업로드 시작";
        completed => "Upload completed", "업로드 완료";
        chosen(count: &str, size: &str) => format!("{count} chosen, {size}"), format!("{count}개 선택, {size}");
        group(kind: &str, count: &str) => format!("{kind} Files ({count})"), format!("{kind} 파일 ({count})");
        progress_of(name: &str) => format!("Upload of {name}"), format!("{name} 업로드");
        done_of(done: &str, size: &str) => format!("{done} of {size}"), format!("{size} 중 {done}");
        rate(rate: &str) => format!("{rate}/s"), format!("{rate}/초");
        left(time: &str) => format!("{time} left"), format!("{time} 남음");
        ready => "Ready to upload", "업로드 준비됨";
        queued => "Waiting for its turn", "순서 대기 중";
        finishing => "Finishing", "마무리 중";
        paused => "Paused", "일시 중지됨";
        retrying => "The connection is interrupted; trying again", "연결이 끊겨 다시 시도하는 중";
        stored => "Uploaded", "업로드됨";
        needs_file => "Choose the same file again to go on where it stopped", "같은 파일을 다시 선택하면 멈춘 곳부터 이어집니다";
        pause(name: &str) => format!("Pause {name}"), format!("{name} 일시 중지");
        resume(name: &str) => format!("Resume {name}"), format!("{name} 다시 시작");
        retry(name: &str) => format!("Try {name} again"), format!("{name} 다시 시도");
        cancel(name: &str) => format!("Cancel the upload of {name}"), format!("{name} 업로드 취소");
        remove(name: &str) => format!("Remove {name} from the list"), format!("목록에서 {name} 제거");
        replace => "Replace it", "바꾸기";
        too_large => "File size exceeds maximum", "파일 크기가 최대 허용 크기를 초과합니다";
        too_large_limit(limit: &str) => format!("File size exceeds maximum ({limit})"), format!("파일 크기가 최대 허용 크기({limit})를 초과합니다");
        exists => "A file of this name is there already", "같은 이름의 파일이 이미 있습니다";
        no_room(detail: &str) => format!("There is no room for it: {detail}"), format!("저장 공간이 부족합니다: {detail}");
        signed_out => "Your session ended. Sign in and try again: what was sent is kept.",
            "세션이 만료되었습니다. 다시 로그인한 뒤 시도하세요. 전송된 부분은 유지됩니다.";
        unreadable => "The file can’t be read any more. Was it moved or changed? Choose it again.",
            "파일을 더 이상 읽을 수 없습니다. 옮기거나 변경했다면 다시 선택하세요.";
        server_trouble => "The server could not store it. What was sent is kept; try again.",
            "서버가 저장하지 못했습니다. 전송된 부분은 유지되니 다시 시도하세요.";
        running(count: &str, percent: &str) => format!("{count} uploading, {percent}"), format!("{count}개 업로드 중, {percent}");
        running_hint => "Running uploads: go to the new job", "진행 중인 업로드: 새 작업으로 이동";
    }
}
