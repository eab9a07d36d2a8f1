"""日本語."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from data.words import Say

_FREE: Final = "利用枠は減っていません。"

COMMANDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "imagine": "想像",
        "imagine.description": "言葉どおりに絵を描きます",
        "draw": "描く",
        "draw.description": "言葉どおりに絵を描きます（/想像 と同じ）",
        "imagine.prompt": "描いてほしいもの（ご自分の言葉で）",
        "imagine.prompt.name": "お題",
        "imagine.style": "画風",
        "imagine.style.name": "画風",
        "imagine.aspect": "横と縦の比",
        "imagine.aspect.name": "縦横比",
        "imagine.count": "枚数（1〜4）",
        "imagine.count.name": "枚数",
        "imagine.seed": "同じシードと同じ言葉なら同じ絵になります",
        "imagine.seed.name": "シード",
        "imagine.negative": "描いてほしくないもの",
        "imagine.negative.name": "除外",
        "imagine.image": "もとにするご自分の写真",
        "imagine.image.name": "写真",
        "imagine.strength": "写真からどれだけ離れてよいか（パーセント）",
        "imagine.strength.name": "変化",
        "imagine.spoiler": "クリックされるまで絵を隠します",
        "imagine.spoiler.name": "ネタバレ",
        "imagine.private": "自分だけに見えます",
        "imagine.private.name": "非公開",
        "restyle": "画風変換",
        "restyle.description": "ご自分の写真を別の画風で描きます",
        "restyle.photo": "ご自分の写真",
        "restyle.photo.name": "写真",
        "queue": "待ち行列",
        "queue.description": "行列の長さと、ご自分の順番",
        "quota": "残り枚数",
        "quota.description": "今日あと何枚描けるか",
        "cancel": "取り消し",
        "cancel.description": "いちばん新しいお願いを取り消します",
        "receipt": "控え",
        "receipt.description": "お願いがどうなったかを、絵とともに",
        "help": "ヘルプ",
        "help.description": "頼めることと、頼みかた",
        "report": "通報",
        "report.description": "絵のことをモデレーターに知らせます",
        "job.description": "絵の詳細にある番号",
        "reason.description": "何が問題か",
        "privacy": "プライバシー",
        "privacy.description": "保存されているものと、その消しかた",
        "privacy.export": "書き出し",
        "privacy.export.description": "保存されているすべてをファイルで受け取ります",
        "privacy.delete": "削除",
        "privacy.delete.description": "あなたの言葉と絵を、ここでもチャンネルでも消します",
        "privacy.leave": "返信停止",
        "privacy.leave.description": "次にコマンドを使うまで返信しません",
        "privacy.optout": "拒否",
        "privacy.optout.description": "名前でも写真でも、誰の絵にも登場しない",
        "privacy.optin": "同意",
        "privacy.optin.description": "ほかの人があなたの絵を頼めるようにする",
        "settings": "設定",
        "settings.description": "このサーバーで、どこで、いつ、どれだけ描くか",
        "settings.allow": "ここで描く（許可されたチャンネルだけになります）",
        "settings.forget": "チャンネルを一覧から外す（空ならすべて許可）",
        "settings.age": "年齢制限チャンネルだけで描く",
        "settings.limit": "メンバー一人一日の枚数（0 で制限なし）",
        "settings.quiet_from": "静かな時間の始まり（UTC、時）",
        "settings.quiet_to": "静かな時間の終わり（UTC、時。同じ時刻でなし）",
        "settings.mod_channel": "このサーバーの通報が届く場所",
        "mod": "モデレーション",
        "mod.description": "このボットのモデレーター用",
        "mod.held": "保留",
        "mod.held.description": "人の判断を待っているもの",
        "mod.approve": "承認",
        "mod.approve.description": "保留中のお願いを進めます",
        "mod.reject": "却下",
        "mod.reject.description": "保留中のお願いを断ります（理由は本人に伝わります）",
        "mod.remove": "取り下げ",
        "mod.remove.description": "絵を、ここでもチャンネルでも取り下げます",
        "menu.restyle": "この絵の画風を変える",
        "menu.vary": "別バージョンを描く",
        "menu.what": "どうやって作られた？",
        "menu.report": "通報",
    }
)

PHRASES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "button.again": "もう一度",
        "button.vary": "別案",
        "button.edit": "書き直す",
        "button.restyle": "画風",
        "button.upscale": "拡大",
        "button.details": "詳細",
        "button.delete": "削除",
        "button.report": "通報",
        "button.cancel": "取り消し",
        "form.edit": "お題を書き直す",
        "form.edit.wish": "描いてほしいもの",
        "form.report": "この絵を通報する",
        "form.report.reason": "何が問題ですか？",
        "which_style": "どの画風にしますか？",
        "ready": "絵ができました。",
        "alt": "AI が描いた絵。",
        "sketch": "描きかけの絵（AI 作）。",
        "wordless": "AI が描いた絵です。",
        "status.line": "順番待ち：{position} 番目、{eta} に完成予定",
        "status.line.somewhen": "順番待ち：{position} 番目",
        "status.again": "うまくいかなかったので、もう一度試しています",
        "status.drawing": "描いています",
        "status.step": "描いています：{steps} 段階のうち {step}",
        "status.held": "先に人が確認します",
        "status.received": "読みました。少しお待ちください",
        "status.sent": "描けました。お届けします",
        "status.cancelled": f"取り消しました。{_FREE}",
        "status.expired": f"待ち時間が長すぎたため取りやめました。{_FREE}",
        "status.late": "Discord がこの返信を開いておく時間より長くかかります。できたら投稿して"
        "お知らせします。",
        "no.channel": f"ここでは {{channels}} でだけ描きます。{_FREE}",
        "no.age": f"このサーバーでは年齢制限チャンネルでだけ描きます。{_FREE}",
        "no.quiet": f"このサーバーは静かな時間です。{{until}} からまた描きます。{_FREE}",
        "no.member_limit": "このサーバーではメンバー一人一日 {limit} 枚までで、それを超えます。"
        f"ほかの場所では続けられます。{_FREE}",
        "no.permission": "ここでは返信できません。権限「{permissions}」がありません。サーバーの"
        f"管理者が付けられます。{_FREE}",
        "already": "もう取りかかっています。",
        "crowded": "描ける数より多くの依頼が来ているため",
        "restarting": "再起動中です。お願いは保存してあり、絵はまもなく届きます。",
        "too_old": "このボタンは古すぎるか、絵がもうありません。/想像 でもう一度お願いします。",
        "not_yours": "この絵でそれができるのは {asker} だけです。ご自分のは、メッセージの"
        "メニューから"
        "「アプリ」「別バージョンを描く」でどうぞ。",
        "gone": "その絵はもうありません。",
        "deleted": "その絵を取り下げました。",
        "too_late": "もう描き終えたので取り消せません。",
        "cancelled": f"取り消しました。{_FREE}",
        "nothing_to_cancel": "取り消せるものがありません。",
        "reported": "ありがとうございます。人が確認します。",
        "queue": "順番待ちと制作中：{count} 件。",
        "limit.daily": "いま {tier} の方は 1 日 {quota} 枚までです（{reason}）。"
        "{when} に終わる見込みです。",
        "limit.line": "いま {tier} の方は、列に空きがあるだけ受け付けています（{reason}）。"
        "{when} に終わる見込みです。",
        "quota": "プラン {tier}：今日は {quota} 枚のうちあと {left} 枚。{when} にすべて戻ります。",
        "no_receipt": "そのお願いは見つかりません。",
        "help": "見たいものを言ってください：`/想像`、または @{handle} を付けて。"
        "ご自分の写真と画風があれば描き直します。`/待ち行列` で順番、`/残り枚数` で今日の残り、"
        "`/プライバシー` で保存内容がわかります。断られたり失敗したりしても、利用枠は減りません。",
        "help.things": "学んだものがいちばん得意です。たとえば：{things}。",
        "exported": "保存されているすべて：お願い {count} 件。",
        "erased": "削除しました：お願い {count} 件の言葉と絵。",
        "erased.partly": "削除：{count} 件。Discord で取り下げられなかったもの：{left} 件。あとで"
        "もう一度お試しください。",
        "left_alone": "次にコマンドを使うまで返信しません。",
        "not_manager": "このサーバーを管理できる人だけができます。",
        "not_moderator": "モデレーターのチャンネルで、メッセージを管理できる人だけが使えます。",
        "none_held": "保留はありません。",
        "approved": "番号 {job} を承認しました。",
        "rejected": "番号 {job} を却下しました。理由は本人に伝わります。",
        "second_needed": "番号 {job} への判断を記録しました。もう一人の承認が必要です。",
        "said_before": "番号 {job} はすでに承認済みです。もう一人の承認が必要です。",
        "not_held": "番号 {job} は保留されていません。",
        "command_changed": "このコマンドは変わりました。Discord を再読み込みしてお試しください。",
        "failed": f"うまくいきませんでした。あなたのせいではありません。{_FREE}",
        "not_mine": "それは私が作ったものではありません。",
        "no_photo": "そのメッセージには画像がありません。",
        "which_photo": "そのメッセージには画像が {count} 枚あります。/画風変換 で一枚を"
        "選んでください。",
        "presence": "順番待ち：{count}",
        "details.wish": "お題：{wish}",
        "details.none": "（写真の描き直し）",
        "details.style": "画風：{style}",
        "details.negative": "除外：{negative}",
        "details.aspect": "縦横比：{aspect}",
        "details.seeds": "シード：{seeds}",
        "details.engine": "モデル：{engine}",
        "details.job": "番号 {job}、{when} に依頼、{count} 枚",
        "policy.channels": "チャンネル：{channels}",
        "policy.everywhere": "チャンネル：すべて",
        "policy.age": "年齢制限チャンネルのみ：{yes}",
        "policy.limit": "メンバー一人一日の枚数：{limit}",
        "policy.quiet": "静かな時間（UTC）：{first}:00〜{end}:00",
        "policy.mod_channel": "通報の届け先：{channel}",
        "status.asking": "写真を投稿した人の同意が必要です。いま尋ねています。",
        "opted_out": "承知しました。あなたの名前や写真を使う願いは受けません。"
        "取り消すには `/プライバシー 同意` を使ってください。",
        "opted_in": "承知しました。ほかの人があなたの絵を頼めるようになります。"
        "写真は毎回先にあなたに尋ねます。",
        "leave.ask": "{owner} さん、{asker} さんがあなたの画像を描き直してほしいそうです。"
        "よろしいですか？",
        "leave.agreed": "写真を投稿した人が同意しました。ここでいつでも取り消せます。取り消すと、"
        "その写真から作った絵はすべて消えます。",
        "leave.refused": "写真を投稿した人は、描かれることを望んでいません。",
        "leave.expired": "写真を投稿した人から時間内に返事がありませんでした。",
        "leave.taken_back": "取り消しました。その写真から作った絵はすべて取り下げます。",
        "leave.not_you": "それを答えられるのは写真を投稿した人だけです。",
        "leave.over": "それはもう決まっています。",
        "leave.button.agree": "はい、どうぞ",
        "leave.button.refuse": "いいえ",
        "leave.button.never": "今後も尋ねないで",
        "leave.button.takeback": "取り消す",
        "yes": "はい",
        "no": "いいえ",
        "none": "なし",
    }
)

SAYINGS: Final[Mapping[Say, tuple[str | tuple[str, ...], ...]]] = MappingProxyType(
    {
        Say.PICTURE: (
            ("{wish}、AI が描きました。", "AI が描いた絵です。"),
            (
                "学んだものは {things} 種類で、これはその中にないため、想像で描きました。",
                "学んだ画風は {styles} なので、{guessed} は想像で描きました。",
            ),
            "今日の {last} 枚はこれで最後です。",
            "今日は {quota} 枚のうちあと {left} 枚です。",
            "{price} 枚分と数えます。",
            "{eased:.0}頼む方が多いため、いつもより手早く描きました。",
            "省いたもの：{ignored}。",
            "シード {seeds}。",
        ),
        Say.CANCELLED: ("取り消しました。", _FREE),
        Say.WITHDRAWN: ("その絵を取り下げました。",),
        Say.NOTHING_TO_CANCEL: (
            "ここには取り消せるものがありません。",
            "取り下げたいご自分の絵に「delete」と返信してください。",
        ),
        Say.NOTHING_TO_REPEAT: (
            "もう一度描けるものがまだありません。",
            "見たいものを添えてメンションしてください。",
        ),
        Say.NO_WISH: (
            "何を描きましょうか？",
            "もう一度メンションして、言葉でどうぞ。たとえば「a red fox on a blue background」。",
        ),
        Say.NOT_YOUR_PHOTO: (
            "頼んだご本人が投稿した写真からだけ描きます。",
            "ご自分の写真を投稿して、そこで頼んでください。",
            _FREE,
        ),
        Say.NO_CONSENT: (
            "写真を投稿した人が望まないか、返事がありませんでした。",
            "ご自分の写真で試してください。",
            _FREE,
        ),
        Say.UNREADABLE_PHOTO: (
            "その写真を開けませんでした。",
            "JPEG、PNG、WEBP、GIF のどれかで送り直してください。",
            _FREE,
        ),
        Say.OVERSIZED_PHOTO: (
            "その写真は大きすぎます。",
            "小さくして送り直してください。",
            _FREE,
        ),
        Say.REFUSED_PROMPT: (
            ("それは描けません：{reason}。", "それは描けません。"),
            "別の言葉でお試しください。",
            _FREE,
        ),
        Say.REFUSED_PHOTO: (
            ("その写真からは描けません：{reason}。", "その写真からは描けません。"),
            "別の写真でお試しください。",
            _FREE,
        ),
        Say.REFUSED_PICTURE: (
            ("描きましたが、お見せできません：{reason}。", "描きましたが、お見せできません。"),
            "もう一度、または別の言葉で頼むとうまくいくかもしれません。",
            _FREE,
        ),
        Say.DAILY_QUOTA: (
            (
                "{units} のご希望ですが、今日は {quota} 枚のうちあと {left} 枚です。",
                "今日の {quota} 枚はもう使いました。",
                "今日の分はもう使いました。",
            ),
            "{when} にまたどうぞ。",
            _FREE,
        ),
        Say.BURST: (
            (
                "一度に多すぎます。続けて {burst} 枚、そのあとは {every} ごとに 1 枚です。",
                "一度に多すぎます。",
            ),
            "{when} にまたどうぞ。",
            _FREE,
        ),
        Say.IN_HAND: (
            (
                "すでに {in_hand} 枚が列に並んでいます。{tier} で並べられるのは {most} 枚です。",
                "すでに並べられるだけの絵が列に並んでいます。",
            ),
            "どれかが届いてからもう一度頼むか、ひとつ取り消してください。",
            _FREE,
        ),
        Say.CIRCLE_QUOTA: (
            (
                "ここのみなさんの今日の {cap} 枚はもう使いました。",
                "ここのみなさんの今日の分はもう使いました。",
            ),
            "{when} にまたどうぞ。",
            _FREE,
        ),
        Say.CHANNEL_QUOTA: (
            (
                "このチャンネルのみなさんの今日の {cap} 枚はもう使いました。",
                "このチャンネルのみなさんの今日の分はもう使いました。",
            ),
            "{when} にまたどうぞ。",
            _FREE,
        ),
        Say.TOTAL_QUOTA: (
            (
                "みなさん合わせて今日の {cap} 枚はもう使いました。",
                "みなさん合わせて今日の分はもう使いました。",
            ),
            "{when} にまたどうぞ。",
            _FREE,
        ),
        Say.TOO_NEW: (
            (
                "アカウントが新しすぎます。作ってから {min_age} たったアカウントに描いています。",
                "アカウントが新しすぎます。",
            ),
            "{when} にまたどうぞ。",
            _FREE,
        ),
        Say.NOT_OPEN: (
            (
                "{tier} の方にはまだ描いていません。{when} に始まります。",
                "{tier} の方には少しずつ開いています。まだ順番ではありません。",
                "まだ順番ではありません。",
            ),
            _FREE,
        ),
        Say.OVERLOADED: (
            (
                "いま {tier} の方は 1 日 {quota} 枚までです（{reason}）。",
                "いま {tier} の方にはお待ちいただいています（{reason}）。",
                "いまはお待ちください。頼む方が多すぎます。",
            ),
            "{over} に終わる見込みです。",
            _FREE,
        ),
        Say.OPEN_AGAIN: (
            "また描けるようになりました。",
            "まだご希望でしたら、もう一度頼んでください。",
        ),
        Say.EXPIRED: (
            (
                "ご希望は {waited} 待ちました。長すぎるので取り下げました。",
                "ご希望は待ち時間が長すぎたので取り下げました。",
            ),
            _FREE,
            "いつでももう一度どうぞ。",
        ),
        Say.NO_ROOM: (
            "いまはこれ以上投稿できません。",
            "{when} に空きます。",
            _FREE,
        ),
        Say.STOPPED: ("頼まれるまで返信しません。",),
        Say.BANNED: (
            (
                "{when} からまたご希望を受け付けます（{reason}）。",
                "{when} からまたご希望を受け付けます。",
                "これからはご希望を受け付けません（{reason}）。",
                "これからはご希望を受け付けません。",
            ),
        ),
        Say.CASE: (
            (
                "ありがとうございます。モデレーターに渡しました（案件 {case}）。人が確認します。",
                "ありがとうございます。モデレーターに渡しました。人が確認します。",
            ),
        ),
        Say.NO_CASE: (
            "ここにはモデレーターに渡せるものがありません。",
            "わたしの絵に「report」、お断りに「appeal」と返信してください。",
        ),
        Say.FAILED: (
            "これは完成できませんでした。あなたのせいではありません。",
            _FREE,
            "いつでももう一度どうぞ。",
        ),
    }
)
