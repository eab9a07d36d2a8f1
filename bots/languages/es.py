"""Español."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from data.words import Say

_FREE: Final = "Esto no te ha costado nada."

COMMANDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "imagine": "imaginar",
        "imagine.description": "Pinta lo que digas",
        "draw": "dibujar",
        "draw.description": "Pinta lo que digas (lo mismo que /imaginar)",
        "imagine.prompt": "Qué pintar, con tus palabras",
        "imagine.prompt.name": "deseo",
        "imagine.style": "En qué estilo",
        "imagine.style.name": "estilo",
        "imagine.aspect": "Ancho por alto",
        "imagine.aspect.name": "formato",
        "imagine.count": "Cuántas versiones, de 1 a 4",
        "imagine.count.name": "cantidad",
        "imagine.seed": "La misma semilla y las mismas palabras dan la misma imagen",
        "imagine.seed.name": "semilla",
        "imagine.negative": "Qué no debe aparecer",
        "imagine.negative.name": "sin",
        "imagine.image": "Una foto tuya de la que partir",
        "imagine.image.name": "foto",
        "imagine.strength": "Cuánto puede alejarse de la foto, en porcentaje",
        "imagine.strength.name": "distancia",
        "imagine.spoiler": "Cubrir la imagen hasta que alguien haga clic",
        "imagine.spoiler.name": "spoiler",
        "imagine.private": "Solo tú la ves",
        "imagine.private.name": "privado",
        "restyle": "reestilizar",
        "restyle.description": "Pinta una foto tuya en otro estilo",
        "restyle.photo": "Una foto propia",
        "restyle.photo.name": "foto",
        "queue": "cola",
        "queue.description": "Cuánta cola hay y dónde están tus deseos",
        "quota": "cuota",
        "quota.description": "Cuántas imágenes te quedan hoy",
        "cancel": "cancelar",
        "cancel.description": "Retira tu último deseo",
        "receipt": "recibo",
        "receipt.description": "Qué fue de un deseo tuyo, con sus imágenes",
        "help": "ayuda",
        "help.description": "Qué puedes pedir, y cómo",
        "report": "denunciar",
        "report.description": "Avisa a la moderación de una imagen",
        "job.description": "El número del encargo, como en los detalles de la imagen",
        "reason.description": "Qué está mal",
        "privacy": "privacidad",
        "privacy.description": "Qué se guarda de ti y cómo borrarlo",
        "privacy.export": "exportar",
        "privacy.export.description": "Todo lo que se guarda de ti, en un archivo",
        "privacy.delete": "borrar",
        "privacy.delete.description": "Borra tus palabras e imágenes, aquí y en los canales",
        "privacy.leave": "silencio",
        "privacy.leave.description": "Que no te conteste hasta que vuelvas a usar un comando",
        "privacy.optout": "rechazar",
        "privacy.optout.description": "No salir en imágenes de nadie, ni por tu nombre ni por tus"
        " fotos",
        "privacy.optin": "aceptar",
        "privacy.optin.description": "Dejar que otros pidan imágenes contigo otra vez",
        "settings": "ajustes",
        "settings.description": "Dónde, cuándo y cuánto pinta Muralist en este servidor",
        "settings.allow": "Pintar aquí, y solo en los canales permitidos",
        "settings.forget": "Quitar un canal de la lista; una lista vacía los permite todos",
        "settings.age": "Pintar solo en canales con restricción de edad",
        "settings.limit": "Imágenes por miembro y día; 0 para ningún límite de este servidor",
        "settings.quiet_from": "Las horas de silencio empiezan a esta hora, UTC",
        "settings.quiet_to": "Las horas de silencio acaban a esta hora, UTC; la misma para ninguna",
        "settings.mod_channel": "Dónde llegan las denuncias de este servidor",
        "mod": "mod",
        "mod.description": "Para la moderación de este bot",
        "mod.held": "retenidos",
        "mod.held.description": "Qué espera a una persona",
        "mod.approve": "aprobar",
        "mod.approve.description": "Dejar seguir un encargo retenido",
        "mod.reject": "rechazar",
        "mod.reject.description": "Rechazar un encargo retenido; quien lo pidió lee por qué",
        "mod.remove": "retirar",
        "mod.remove.description": "Retirar una imagen, aquí y en el canal",
        "menu.restyle": "Cambiar el estilo",
        "menu.vary": "Hacer variaciones",
        "menu.what": "¿Cómo se hizo?",
        "menu.report": "Denunciar",
    }
)

PHRASES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "button.again": "Otra vez",
        "button.vary": "Variar",
        "button.edit": "Editar",
        "button.restyle": "Estilo",
        "button.upscale": "Ampliar",
        "button.details": "Detalles",
        "button.delete": "Borrar",
        "button.report": "Denunciar",
        "button.cancel": "Cancelar",
        "form.edit": "Cambia tu deseo",
        "form.edit.wish": "Qué pintar",
        "form.report": "Denunciar esta imagen",
        "form.report.reason": "¿Qué tiene de malo?",
        "which_style": "¿En qué estilo?",
        "ready": "tu imagen está lista.",
        "alt": "Imagen generada por IA.",
        "sketch": "Cómo va tu imagen, pintada por IA.",
        "wordless": "Aquí está tu imagen, pintada por IA.",
        "status.line": "En la cola: puesto {position}, lista {eta}",
        "status.line.somewhen": "En la cola: puesto {position}",
        "status.again": "No salió a la primera; lo intento de nuevo",
        "status.drawing": "Pintando",
        "status.step": "Pintando: paso {step} de {steps}",
        "status.held": "Primero lo verá una persona",
        "status.received": "Leído; un momento",
        "status.sent": "Pintado; en camino",
        "status.cancelled": f"Retirado. {_FREE}",
        "status.expired": f"Esperó demasiado y se descartó. {_FREE}",
        "status.late": "Eso es más de lo que Discord mantiene abierta esta respuesta; publicaré la"
        " imagen y te avisaré.",
        "no.channel": f"Aquí solo pinto en {{channels}}. {_FREE}",
        "no.age": f"En este servidor solo pinto en canales con restricción de edad. {_FREE}",
        "no.quiet": f"Este servidor está en horas de silencio. Vuelvo a pintar {{until}}. {_FREE}",
        "no.member_limit": "Este servidor da a cada miembro {limit} imágenes al día, y eso sería"
        f" más. En otra parte puedes seguir. {_FREE}",
        "no.permission": "No puedo contestar aquí: me falta el permiso {permissions}. Quien"
        f" gestiona este servidor puede dármelo. {_FREE}",
        "already": "Ya estoy en ello.",
        "crowded": "pide más gente de la que puedo atender",
        "restarting": "Me estoy reiniciando. Tu deseo está guardado y la imagen llega enseguida.",
        "too_old": "Este botón es demasiado viejo, o su imagen ya no está. Pídela otra vez con"
        " /imaginar.",
        "not_yours": "Eso con esta imagen solo puede hacerlo {asker}. Para una tuya, abre el menú"
        " del mensaje, luego Aplicaciones y «Hacer variaciones».",
        "gone": "Esa imagen ya no está.",
        "deleted": "He retirado la imagen.",
        "too_late": "Es tarde para cancelarlo: ya está pintado.",
        "cancelled": f"Cancelado. {_FREE}",
        "nothing_to_cancel": "No hay nada tuyo que cancelar.",
        "reported": "Gracias. Lo mirará una persona.",
        "queue": "Deseos en la cola o en el caballete: {count}.",
        "limit.daily": "Por ahora el nivel {tier} tiene como mucho {quota} al día: {reason}."
        " Debería terminar {when}.",
        "limit.line": "Por ahora acepto del nivel {tier} lo que cabe en la cola: {reason}. Debería"
        " terminar {when}.",
        "quota": "Nivel {tier}: hoy quedan {left} de {quota} imágenes; todas de nuevo {when}.",
        "no_receipt": "No conozco ningún deseo tuyo así.",
        "help": "Di lo que quieres ver: `/imaginar`, o menciona a @{handle}. Con una foto tuya y un"
        " estilo, la vuelvo a pintar. `/cola` muestra dónde están tus deseos, `/cuota` lo que queda"
        " hoy, `/privacidad` lo que se guarda de ti. Un rechazo o un fallo nunca te cuesta nada.",
        "help.things": "Pinto mejor lo que he aprendido, por ejemplo: {things}.",
        "exported": "Todo lo que se guarda de ti: deseos, {count}.",
        "erased": "Borrado: las palabras e imágenes de tus deseos, {count}.",
        "erased.partly": "Borrado: {count}. Discord no me dejó retirar: {left}. Inténtalo más"
        " tarde.",
        "left_alone": "No te contestaré hasta que vuelvas a usar uno de mis comandos.",
        "not_manager": "Eso solo pueden hacerlo quienes gestionan este servidor.",
        "not_moderator": "Eso solo funciona en el canal de moderación, para quienes pueden"
        " gestionar mensajes allí.",
        "none_held": "No hay nada retenido.",
        "approved": "El encargo {job} está aprobado.",
        "rejected": "El encargo {job} está rechazado; a quien lo pidió se le dice por qué.",
        "second_needed": "Anotado. Otra persona tiene que aprobar también el encargo {job}.",
        "said_before": "Ya has aprobado el encargo {job}. Hace falta otra persona.",
        "not_held": "El encargo {job} no está retenido (ya).",
        "command_changed": "Este comando ha cambiado. Recarga Discord e inténtalo de nuevo.",
        "failed": f"No ha funcionado, y no fue culpa tuya. {_FREE}",
        "not_mine": "Eso no lo hice yo.",
        "no_photo": "En ese mensaje no hay ninguna imagen.",
        "which_photo": "Ese mensaje tiene {count} imágenes. Usa /reestilizar con la que quieras.",
        "presence": "En la cola: {count}",
        "details.wish": "Deseo: {wish}",
        "details.none": "(una foto, repintada)",
        "details.style": "Estilo: {style}",
        "details.negative": "Sin: {negative}",
        "details.aspect": "Formato: {aspect}",
        "details.seeds": "Semillas: {seeds}",
        "details.engine": "Modelo: {engine}",
        "details.job": "Encargo {job}, pedido {when}; imágenes: {count}",
        "policy.channels": "Canales: {channels}",
        "policy.everywhere": "Canales: todos",
        "policy.age": "Solo canales con restricción de edad: {yes}",
        "policy.limit": "Imágenes por miembro y día: {limit}",
        "policy.quiet": "Horas de silencio, UTC: de {first}:00 a {end}:00",
        "policy.mod_channel": "Las denuncias van a {channel}",
        "status.asking": "Quien envió esa foto tiene que aceptar primero. Se lo he preguntado.",
        "opted_out": "Anotado. Ningún deseo puede nombrarte ni usar tus fotos. `/privacidad"
        " aceptar` lo deshace.",
        "opted_in": "Anotado. Otros pueden volver a pedir imágenes contigo, y por cada foto tuya"
        " te pregunto antes.",
        "leave.ask": "{owner}, a {asker} le gustaría que pintara tu imagen de nuevo. ¿Te parece"
        " bien?",
        "leave.agreed": "Quien envió la foto está de acuerdo. Puede deshacerlo aquí cuando"
        " quiera: entonces se retira todo lo hecho con ella.",
        "leave.refused": "Quien envió la foto no quiere que se pinte.",
        "leave.expired": "Quien envió la foto no contestó a tiempo.",
        "leave.taken_back": "Deshecho. Se retira todo lo hecho con la foto.",
        "leave.not_you": "Eso solo puede decirlo quien envió la foto.",
        "leave.over": "Eso ya está decidido.",
        "leave.button.agree": "Sí, adelante",
        "leave.button.refuse": "No",
        "leave.button.never": "No me preguntes nunca",
        "leave.button.takeback": "Deshacer",
        "yes": "sí",
        "no": "no",
        "none": "ninguno",
    }
)

SAYINGS: Final[Mapping[Say, tuple[str | tuple[str, ...], ...]]] = MappingProxyType(
    {
        Say.PICTURE: (
            ("Aquí está {wish}, pintado por IA.", "Aquí está tu imagen, pintada por IA."),
            (
                "He aprendido a pintar {things} cosas y esta no es una de ellas: la he adivinado.",
                "He aprendido los estilos {styles}: {guessed} lo he adivinado.",
            ),
            "Era la última de {last} imágenes por hoy.",
            "Hoy quedan {left} de {quota} imágenes.",
            "Cuenta como {price} imágenes.",
            "{eased:.0}Está pintado más deprisa que de costumbre, porque pide mucha gente.",
            "He dejado fuera: {ignored}.",
            "Semilla: {seeds}.",
        ),
        Say.CANCELLED: ("Cancelado.", _FREE),
        Say.WITHDRAWN: ("He retirado la imagen.",),
        Say.NOTHING_TO_CANCEL: (
            "Aquí no hay nada tuyo que cancelar.",
            "Responde a una de tus imágenes con «delete» para retirarla.",
        ),
        Say.NOTHING_TO_REPEAT: (
            "Todavía no he pintado nada para ti que pueda repetir.",
            "Mencióname con lo que te gustaría ver.",
        ),
        Say.NO_WISH: (
            "¿Qué pinto?",
            (
                "Mencióname otra vez y dilo con tus palabras, por ejemplo"
                " «a red fox on a blue background»."
            ),
        ),
        Say.NOT_YOUR_PHOTO: (
            "Solo parto de fotos enviadas por quien las pide.",
            "Envía una tuya y pídemelo ahí.",
            _FREE,
        ),
        Say.NO_CONSENT: (
            "Quien envió la foto no quiere que se pinte, o no contestó.",
            "Prueba con una tuya.",
            _FREE,
        ),
        Say.UNREADABLE_PHOTO: (
            "No pude abrir esa foto.",
            "Envíala otra vez como JPEG, PNG, WEBP o GIF, por favor.",
            _FREE,
        ),
        Say.OVERSIZED_PHOTO: (
            "Esa foto es demasiado grande para mí.",
            "Envía una copia más pequeña, por favor.",
            _FREE,
        ),
        Say.REFUSED_PROMPT: (
            ("Eso no lo pinto: {reason}.", "Eso no lo pinto."),
            "Prueba con otras palabras.",
            _FREE,
        ),
        Say.REFUSED_PHOTO: (
            ("De esa foto no parto: {reason}.", "De esa foto no parto."),
            "Prueba con otra.",
            _FREE,
        ),
        Say.REFUSED_PICTURE: (
            ("La he pintado y no la muestro: {reason}.", "La he pintado y no la muestro."),
            "Pedirlo otra vez, o con otras palabras, puede ayudar.",
            _FREE,
        ),
        Say.DAILY_QUOTA: (
            (
                "Has pedido {units} y hoy te quedan {left} de {quota}.",
                "Ya has tenido hoy las {quota} imágenes.",
                "Ya has tenido hoy todas tus imágenes.",
            ),
            "Vuelve a intentarlo {when}.",
            _FREE,
        ),
        Say.BURST: (
            (
                "Es mucho de golpe. Pinto {burst} imágenes seguidas y luego una cada {every}.",
                "Es mucho de golpe.",
            ),
            "Vuelve a intentarlo {when}.",
            _FREE,
        ),
        Say.IN_HAND: (
            (
                "Ya tienes {in_hand} imágenes en la cola, y el nivel {tier} puede tener {most}.",
                "Ya tienes en la cola todas las imágenes que puedes tener.",
            ),
            "Pide otra cuando llegue una de ellas, o retira una.",
            _FREE,
        ),
        Say.CIRCLE_QUOTA: (
            (
                "Entre todos, la gente de aquí ya ha tenido hoy las {cap} imágenes.",
                "Entre todos, la gente de aquí ya ha tenido hoy todas las imágenes.",
            ),
            "Vuelve a intentarlo {when}.",
            _FREE,
        ),
        Say.CHANNEL_QUOTA: (
            (
                "Entre todos, la gente de este canal ya ha tenido hoy las {cap} imágenes.",
                "Entre todos, la gente de este canal ya ha tenido hoy todas las imágenes.",
            ),
            "Vuelve a intentarlo {when}.",
            _FREE,
        ),
        Say.TOTAL_QUOTA: (
            (
                "Entre todos ya habéis tenido hoy las {cap} imágenes que hay.",
                "Entre todos ya habéis tenido hoy todas las imágenes que hay.",
            ),
            "Vuelve a intentarlo {when}.",
            _FREE,
        ),
        Say.TOO_NEW: (
            (
                "Tu cuenta es demasiado nueva: pinto para las que tienen al menos {min_age}.",
                "Tu cuenta es demasiado nueva.",
            ),
            "Vuelve a intentarlo {when}.",
            _FREE,
        ),
        Say.NOT_OPEN: (
            (
                "Todavía no pinto para el nivel {tier}. Empieza {when}.",
                "El nivel {tier} se abre poco a poco y aún no te toca.",
                "Aún no te toca.",
            ),
            _FREE,
        ),
        Say.OVERLOADED: (
            (
                "Por ahora el nivel {tier} tiene como mucho {quota} imágenes al día: {reason}.",
                "Por ahora el nivel {tier} tiene que esperar: {reason}.",
                "Por ahora tienes que esperar: pide demasiada gente.",
            ),
            "Debería terminar {over}.",
            _FREE,
        ),
        Say.OPEN_AGAIN: (
            "Vuelve a haber sitio para tu deseo.",
            "Pídelo otra vez si aún lo quieres.",
        ),
        Say.EXPIRED: (
            (
                "Tu deseo ha esperado {waited}, que es demasiado, así que lo he descartado.",
                "Tu deseo ha esperado demasiado, así que lo he descartado.",
            ),
            _FREE,
            "Pídelo otra vez cuando quieras.",
        ),
        Say.NO_ROOM: (
            "Por ahora no puedo publicar más imágenes.",
            "Vuelve a haber sitio {when}.",
            _FREE,
        ),
        Say.STOPPED: ("No te contestaré hasta que me lo pidas.",),
        Say.BANNED: (
            (
                "Vuelvo a aceptar tus deseos {when} ({reason}).",
                "Vuelvo a aceptar tus deseos {when}.",
                "Ya no acepto tus deseos ({reason}).",
                "Ya no acepto tus deseos.",
            ),
        ),
        Say.CASE: (
            (
                "Gracias. Lo tiene la moderación como caso {case}; lo mirará una persona.",
                "Gracias. Lo tiene la moderación; lo mirará una persona.",
            ),
        ),
        Say.NO_CASE: (
            "Aquí no hay nada que pueda llevar a la moderación.",
            "Responde a una imagen mía con «report», o a una negativa con «appeal».",
        ),
        Say.FAILED: (
            "No pude terminar esta. No fue culpa tuya.",
            _FREE,
            "Pídela otra vez cuando quieras.",
        ),
    }
)
