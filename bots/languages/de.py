"""Deutsch."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from data.words import Say

_FREE: Final = "Das hat dich nichts gekostet."

COMMANDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "imagine": "vorstellen",
        "imagine.description": "Male, was du sagst",
        "draw": "malen",
        "draw.description": "Male, was du sagst (dasselbe wie /vorstellen)",
        "imagine.prompt": "Was gemalt werden soll, in deinen Worten",
        "imagine.prompt.name": "wunsch",
        "imagine.style": "In welchem Stil",
        "imagine.style.name": "stil",
        "imagine.aspect": "Breite zu Höhe",
        "imagine.aspect.name": "format",
        "imagine.count": "Wie viele Fassungen, 1 bis 4",
        "imagine.count.name": "anzahl",
        "imagine.seed": "Gleicher Seed und gleiche Worte geben das gleiche Bild",
        "imagine.seed.name": "seed",
        "imagine.negative": "Was nicht darauf sein darf",
        "imagine.negative.name": "ohne",
        "imagine.image": "Ein Foto von dir, von dem ausgegangen wird",
        "imagine.image.name": "foto",
        "imagine.strength": "Wie weit es sich vom Foto entfernen darf, in Prozent",
        "imagine.strength.name": "abstand",
        "imagine.spoiler": "Das Bild verdecken, bis jemand darauf klickt",
        "imagine.spoiler.name": "spoiler",
        "imagine.private": "Nur du siehst es",
        "imagine.private.name": "privat",
        "restyle": "umstilen",
        "restyle.description": "Male ein Foto von dir in einem anderen Stil",
        "restyle.photo": "Ein eigenes Foto",
        "restyle.photo.name": "foto",
        "queue": "schlange",
        "queue.description": "Wie lang die Schlange ist und wo deine Wünsche stehen",
        "quota": "kontingent",
        "quota.description": "Wie viele Bilder du heute noch hast",
        "cancel": "abbrechen",
        "cancel.description": "Nimm deinen letzten Wunsch zurück",
        "receipt": "beleg",
        "receipt.description": "Was aus einem Wunsch von dir wurde, mit den Bildern",
        "help": "hilfe",
        "help.description": "Worum du bitten kannst, und wie",
        "report": "melden",
        "report.description": "Sag der Moderation von einem Bild",
        "job.description": "Die Nummer des Auftrags, wie in den Details des Bildes",
        "reason.description": "Was nicht stimmt",
        "privacy": "datenschutz",
        "privacy.description": "Was von dir gespeichert ist und wie es gelöscht wird",
        "privacy.export": "export",
        "privacy.export.description": "Alles, was von dir gespeichert ist, als Datei",
        "privacy.delete": "löschen",
        "privacy.delete.description": "Lösche deine Worte und Bilder, hier und in den Kanälen",
        "privacy.leave": "ruhe",
        "privacy.leave.description": "In Ruhe gelassen werden, bis du wieder einen Befehl benutzt",
        "privacy.optout": "widerspruch",
        "privacy.optout.description": "In niemandes Bildern vorkommen, weder mit Namen noch mit"
        " deinen Fotos",
        "privacy.optin": "einverstanden",
        "privacy.optin.description": "Andere wieder um Bilder mit dir bitten lassen",
        "settings": "einstellungen",
        "settings.description": "Wo, wann und wie viel Muralist auf diesem Server malt",
        "settings.allow": "Hier malen, und nur in erlaubten Kanälen",
        "settings.forget": "Einen Kanal von der Liste nehmen; eine leere Liste erlaubt alle",
        "settings.age": "Nur in Kanälen mit Altersbeschränkung malen",
        "settings.limit": "Bilder je Mitglied und Tag; 0 für keine Grenze dieses Servers",
        "settings.quiet_from": "Die Ruhezeit beginnt zu dieser Stunde, UTC",
        "settings.quiet_to": "Die Ruhezeit endet zu dieser Stunde, UTC; dieselbe Stunde für keine",
        "settings.mod_channel": "Wo Meldungen dieses Servers ankommen",
        "mod": "mod",
        "mod.description": "Für die Moderation dieses Bots",
        "mod.held": "wartend",
        "mod.held.description": "Was auf einen Menschen wartet",
        "mod.approve": "freigeben",
        "mod.approve.description": "Einen zurückgehaltenen Auftrag freigeben",
        "mod.reject": "ablehnen",
        "mod.reject.description": "Einen zurückgehaltenen Auftrag ablehnen; der Grund wird gesagt",
        "mod.remove": "entfernen",
        "mod.remove.description": "Ein Bild herunternehmen, hier und im Kanal",
        "menu.restyle": "Dieses Bild umstilen",
        "menu.vary": "Varianten malen",
        "menu.what": "Wie entstand das?",
        "menu.report": "Melden",
    }
)

PHRASES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "button.again": "Noch einmal",
        "button.vary": "Variante",
        "button.edit": "Ändern",
        "button.restyle": "Stil",
        "button.upscale": "Größer",
        "button.details": "Details",
        "button.delete": "Löschen",
        "button.report": "Melden",
        "button.cancel": "Abbrechen",
        "form.edit": "Ändere deinen Wunsch",
        "form.edit.wish": "Was gemalt werden soll",
        "form.report": "Dieses Bild melden",
        "form.report.reason": "Was stimmt damit nicht?",
        "which_style": "Welcher Stil soll es sein?",
        "ready": "dein Bild ist fertig.",
        "alt": "Von KI gemaltes Bild.",
        "sketch": "Wie dein Bild bis jetzt aussieht, gemalt von KI.",
        "wordless": "Hier ist dein Bild, gemalt von KI.",
        "status.line": "In der Schlange: Platz {position}, fertig {eta}",
        "status.line.somewhen": "In der Schlange: Platz {position}",
        "status.again": "Es ging nicht gleich; neuer Versuch",
        "status.drawing": "Wird gemalt",
        "status.step": "Wird gemalt: Schritt {step} von {steps}",
        "status.held": "Erst sieht es sich ein Mensch an",
        "status.received": "Gelesen; einen Moment",
        "status.sent": "Gemalt; ist unterwegs",
        "status.cancelled": f"Zurückgenommen. {_FREE}",
        "status.expired": f"Es hat zu lange gewartet und wurde verworfen. {_FREE}",
        "status.late": "Das ist länger, als Discord diese Antwort offen hält; ich schicke das Bild"
        " und rufe dich.",
        "no.channel": f"Hier male ich nur in {{channels}}. {_FREE}",
        "no.age": f"Auf diesem Server male ich nur in Kanälen mit Altersbeschränkung. {_FREE}",
        "no.quiet": f"Auf diesem Server ist Ruhezeit. Ich male wieder {{until}}. {_FREE}",
        "no.member_limit": "Dieser Server gibt jedem Mitglied {limit} Bilder am Tag, und das wären"
        f" mehr. Anderswo geht es weiter. {_FREE}",
        "no.permission": "Ich kann hier nicht antworten: Mir fehlt das Recht {permissions}. Wer"
        f" diesen Server verwaltet, kann es mir geben. {_FREE}",
        "already": "Ich bin schon dabei.",
        "crowded": "es bitten mehr Leute, als ich malen kann",
        "restarting": "Ich starte gerade neu. Dein Wunsch ist aufgehoben, das Bild kommt gleich.",
        "too_old": "Dieser Knopf ist zu alt, oder sein Bild ist weg. Bitte noch einmal mit"
        " /vorstellen darum.",
        "not_yours": "Das kann mit diesem Bild nur {asker}. Für ein eigenes öffne das Menü der"
        " Nachricht, dann Apps, dann „Varianten malen“.",
        "gone": "Dieses Bild gibt es nicht mehr.",
        "deleted": "Ich habe das Bild heruntergenommen.",
        "too_late": "Zum Abbrechen ist es zu spät: Es ist schon gemalt.",
        "cancelled": f"Abgebrochen. {_FREE}",
        "nothing_to_cancel": "Von dir gibt es nichts abzubrechen.",
        "reported": "Danke. Ein Mensch sieht es sich an.",
        "queue": "Wünsche in der Schlange oder auf der Staffelei: {count}.",
        "limit.daily": "Im Moment hat die Stufe {tier} höchstens {quota} am Tag: {reason}. Das"
        " sollte vorbei sein {when}.",
        "limit.line": "Im Moment nehme ich von der Stufe {tier} so viel an, wie die Schlange"
        " zulässt: {reason}. Das sollte vorbei sein {when}.",
        "quota": "Stufe {tier}: heute noch {left} von {quota} Bildern; alle wieder {when}.",
        "no_receipt": "So einen Wunsch von dir kenne ich nicht.",
        "help": "Sag, was du sehen möchtest: `/vorstellen`, oder erwähne @{handle}. Mit einem"
        " eigenen Foto und einem Stil wird das Foto neu gemalt. `/schlange` zeigt, wo deine Wünsche"
        " stehen, `/kontingent`, was heute übrig ist, `/datenschutz`, was von dir gespeichert ist."
        " Eine Ablehnung oder ein Fehler kostet dich nie etwas.",
        "help.things": "Am besten male ich, was ich gelernt habe, zum Beispiel: {things}.",
        "exported": "Alles, was von dir gespeichert ist: Wünsche, {count}.",
        "erased": "Gelöscht: Worte und Bilder deiner Wünsche, {count}.",
        "erased.partly": "Gelöscht: {count}. Discord ließ mich nicht herunternehmen: {left}."
        " Versuch es später noch einmal.",
        "left_alone": "Ich antworte dir nicht mehr, bis du wieder einen meiner Befehle benutzt.",
        "not_manager": "Das dürfen nur Leute, die diesen Server verwalten.",
        "not_moderator": "Das geht nur im Kanal der Moderation, für Leute, die dort Nachrichten"
        " verwalten dürfen.",
        "none_held": "Nichts wartet.",
        "approved": "Auftrag {job} ist freigegeben.",
        "rejected": "Auftrag {job} ist abgelehnt; der Grund wird gesagt.",
        "second_needed": "Notiert. Bei Auftrag {job} muss noch jemand zustimmen.",
        "said_before": "Auftrag {job} hast du schon zugestimmt. Es braucht noch jemanden.",
        "not_held": "Auftrag {job} wartet nicht (mehr).",
        "command_changed": "Dieser Befehl hat sich geändert. Lade Discord neu und versuche es noch"
        " einmal.",
        "failed": f"Das hat nicht geklappt, und es lag nicht an dir. {_FREE}",
        "not_mine": "Das ist nicht von mir.",
        "no_photo": "In dieser Nachricht ist kein Bild.",
        "which_photo": "In dieser Nachricht sind {count} Bilder. Nimm /umstilen mit dem, das du"
        " meinst.",
        "presence": "In der Schlange: {count}",
        "details.wish": "Wunsch: {wish}",
        "details.none": "(ein Foto, neu gemalt)",
        "details.style": "Stil: {style}",
        "details.negative": "Ohne: {negative}",
        "details.aspect": "Format: {aspect}",
        "details.seeds": "Seeds: {seeds}",
        "details.engine": "Modell: {engine}",
        "details.job": "Auftrag {job}, gewünscht {when}; Bilder: {count}",
        "policy.channels": "Kanäle: {channels}",
        "policy.everywhere": "Kanäle: alle",
        "policy.age": "Nur Kanäle mit Altersbeschränkung: {yes}",
        "policy.limit": "Bilder je Mitglied und Tag: {limit}",
        "policy.quiet": "Ruhezeit, UTC: {first}:00 bis {end}:00",
        "policy.mod_channel": "Meldungen gehen an {channel}",
        "status.asking": "Wer das Foto geschickt hat, muss erst zustimmen. Ich habe gefragt.",
        "opted_out": "Notiert. Kein Wunsch darf dich mehr nennen oder deine Fotos benutzen."
        " `/datenschutz einverstanden` nimmt das zurück.",
        "opted_in": "Notiert. Andere dürfen wieder Bilder mit dir wünschen, und bei jedem deiner"
        " Fotos frage ich dich zuerst.",
        "leave.ask": "{owner}, {asker} möchte dein Bild neu malen lassen. Ist dir das recht?",
        "leave.agreed": "Wer das Foto geschickt hat, ist einverstanden. Das lässt sich hier"
        " jederzeit zurücknehmen: Dann verschwindet alles, was daraus entstand.",
        "leave.refused": "Wer das Foto geschickt hat, möchte nicht, dass es gemalt wird.",
        "leave.expired": "Wer das Foto geschickt hat, hat nicht rechtzeitig geantwortet.",
        "leave.taken_back": "Zurückgenommen. Alles, was aus dem Foto entstand, wird"
        " heruntergenommen.",
        "leave.not_you": "Das kann nur sagen, wer das Foto geschickt hat.",
        "leave.over": "Das ist schon entschieden.",
        "leave.button.agree": "Ja, gern",
        "leave.button.refuse": "Nein",
        "leave.button.never": "Frag mich nie",
        "leave.button.takeback": "Zurücknehmen",
        "yes": "ja",
        "no": "nein",
        "none": "keine",
    }
)

SAYINGS: Final[Mapping[Say, tuple[str | tuple[str, ...], ...]]] = MappingProxyType(
    {
        Say.PICTURE: (
            ("Hier ist {wish}, gemalt von KI.", "Hier ist dein Bild, gemalt von KI."),
            (
                "Ich habe {things} Dinge malen gelernt, und das ist keins davon: Es ist geraten.",
                "Gelernt habe ich die Stile {styles}: {guessed} ist geraten.",
            ),
            "Das war das letzte von {last} Bildern für heute.",
            "Heute sind noch {left} von {quota} Bildern übrig.",
            "Es zählt als {price} Bilder.",
            "{eased:.0}Es ist schneller gemalt als sonst, weil so viele bitten.",
            "Weggelassen: {ignored}.",
            "Seed: {seeds}.",
        ),
        Say.CANCELLED: ("Abgebrochen.", _FREE),
        Say.WITHDRAWN: ("Ich habe das Bild heruntergenommen.",),
        Say.NOTHING_TO_CANCEL: (
            "Hier gibt es von dir nichts abzubrechen.",
            "Antworte auf eines deiner Bilder mit „delete“, um es herunterzunehmen.",
        ),
        Say.NOTHING_TO_REPEAT: (
            "Ich habe noch nichts für dich gemalt, das ich wiederholen könnte.",
            "Erwähne mich mit dem, was du sehen möchtest.",
        ),
        Say.NO_WISH: (
            "Was soll ich malen?",
            (
                "Erwähne mich noch einmal und sag es in deinen Worten, zum Beispiel"
                " „a red fox on a blue background“."
            ),
        ),
        Say.NOT_YOUR_PHOTO: (
            "Ich male nur Fotos um, die der Mensch geschickt hat, der darum bittet.",
            "Schick ein eigenes und bitte mich dort.",
            _FREE,
        ),
        Say.NO_CONSENT: (
            "Wer das Foto geschickt hat, möchte das nicht oder hat nicht geantwortet.",
            "Versuch es mit einem eigenen.",
            _FREE,
        ),
        Say.UNREADABLE_PHOTO: (
            "Dieses Foto konnte ich nicht öffnen.",
            "Bitte schick es noch einmal als JPEG, PNG, WEBP oder GIF.",
            _FREE,
        ),
        Say.OVERSIZED_PHOTO: (
            "Dieses Foto ist zu groß für mich.",
            "Bitte schick es kleiner.",
            _FREE,
        ),
        Say.REFUSED_PROMPT: (
            ("Das male ich nicht: {reason}.", "Das male ich nicht."),
            "Versuch es mit anderen Worten.",
            _FREE,
        ),
        Say.REFUSED_PHOTO: (
            (
                "Von diesem Foto gehe ich nicht aus: {reason}.",
                "Von diesem Foto gehe ich nicht aus.",
            ),
            "Versuch es mit einem anderen.",
            _FREE,
        ),
        Say.REFUSED_PICTURE: (
            (
                "Ich habe es gemalt und zeige es nicht: {reason}.",
                "Ich habe es gemalt und zeige es nicht.",
            ),
            "Noch einmal zu bitten, oder mit anderen Worten, kann helfen.",
            _FREE,
        ),
        Say.DAILY_QUOTA: (
            (
                "Du hast {units} gewünscht und heute noch {left} von {quota}.",
                "Du hattest heute schon alle {quota} Bilder.",
                "Du hattest heute schon alle deine Bilder.",
            ),
            "Versuch es wieder {when}.",
            _FREE,
        ),
        Say.BURST: (
            (
                "Das ist viel auf einmal: Ich male {burst} Bilder, dann eins alle {every}.",
                "Das ist viel auf einmal.",
            ),
            "Versuch es wieder {when}.",
            _FREE,
        ),
        Say.IN_HAND: (
            (
                "Von dir stehen schon {in_hand} Bilder an; auf der Stufe {tier} dürfen es {most}.",
                "In der Schlange stehen schon so viele Bilder von dir, wie dürfen.",
            ),
            "Bitte wieder, wenn eins davon da ist, oder nimm eins zurück.",
            _FREE,
        ),
        Say.CIRCLE_QUOTA: (
            (
                "Zusammen hatten die Leute hier heute schon alle {cap} Bilder.",
                "Zusammen hatten die Leute hier heute schon alle Bilder.",
            ),
            "Versuch es wieder {when}.",
            _FREE,
        ),
        Say.CHANNEL_QUOTA: (
            (
                "Zusammen hatten die Leute in diesem Kanal heute schon alle {cap} Bilder.",
                "Zusammen hatten die Leute in diesem Kanal heute schon alle Bilder.",
            ),
            "Versuch es wieder {when}.",
            _FREE,
        ),
        Say.TOTAL_QUOTA: (
            (
                "Alle zusammen hatten heute schon {cap} Bilder, mehr gibt es nicht.",
                "Alle zusammen hatten heute schon so viele Bilder, wie es gibt.",
            ),
            "Versuch es wieder {when}.",
            _FREE,
        ),
        Say.TOO_NEW: (
            (
                "Dein Konto ist mir zu neu: Ich male, wenn es mindestens {min_age} alt ist.",
                "Dein Konto ist mir zu neu.",
            ),
            "Versuch es wieder {when}.",
            _FREE,
        ),
        Say.NOT_OPEN: (
            (
                "Für die Stufe {tier} male ich noch nicht. Es beginnt {when}.",
                "Die Stufe {tier} öffnet nach und nach, und du bist noch nicht dran.",
                "Du bist noch nicht dran.",
            ),
            _FREE,
        ),
        Say.OVERLOADED: (
            (
                "Im Moment hat die Stufe {tier} höchstens {quota} Bilder am Tag: {reason}.",
                "Im Moment muss die Stufe {tier} warten: {reason}.",
                "Im Moment musst du warten: Es bitten zu viele.",
            ),
            "Das sollte vorbei sein {over}.",
            _FREE,
        ),
        Say.OPEN_AGAIN: (
            "Für deinen Wunsch ist wieder Platz.",
            "Bitte noch einmal darum, wenn du ihn noch hast.",
        ),
        Say.EXPIRED: (
            (
                "Dein Wunsch hat zu lange gewartet, {waited}; darum habe ich ihn verworfen.",
                "Dein Wunsch hat zu lange gewartet, darum habe ich ihn verworfen.",
            ),
            _FREE,
            "Bitte gern noch einmal darum.",
        ),
        Say.NO_ROOM: (
            "Ich kann im Moment keine Bilder mehr schicken.",
            "Platz ist wieder {when}.",
            _FREE,
        ),
        Say.STOPPED: ("Ich antworte dir nicht mehr, bis du mich darum bittest.",),
        Say.BANNED: (
            (
                "Wünsche von dir nehme ich wieder an {when} ({reason}).",
                "Wünsche von dir nehme ich wieder an {when}.",
                "Wünsche von dir nehme ich nicht mehr an ({reason}).",
                "Wünsche von dir nehme ich nicht mehr an.",
            ),
        ),
        Say.CASE: (
            (
                "Danke. Es liegt bei der Moderation, als Fall {case}; ein Mensch sieht es sich an.",
                "Danke. Es liegt bei der Moderation; ein Mensch sieht es sich an.",
            ),
        ),
        Say.NO_CASE: (
            "Hier ist nichts, das ich der Moderation vorlegen könnte.",
            "Antworte auf ein Bild von mir mit „report“ oder auf eine Ablehnung mit „appeal“.",
        ),
        Say.FAILED: (
            "Dieses habe ich nicht fertig bekommen. Es lag nicht an dir.",
            _FREE,
            "Bitte gern noch einmal darum.",
        ),
    }
)
